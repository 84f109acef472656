/**
 * Colours for terminals that have them. Pure.
 */

const CODES = { bold: 1, dim: 2, blue: 34, magenta: 35, yellow: 33, green: 32 } as const;
export type Colour = keyof typeof CODES;

/** @returns the text in a colour, or as it is where colours are off. */
export type Paint = (colour: Colour, text: string) => string;

export function paintFor(hasColours: boolean): Paint {
  if (!hasColours) return (_colour, text) => text;
  return (colour, text) => (text === '' ? '' : `\u001b[${CODES[colour]}m${text}\u001b[0m`);
}
