/**
 * Colours for terminals that have them. Pure.
 */
import { styleText } from 'node:util';

export type Colour = 'bold' | 'dim' | 'blue' | 'magenta' | 'yellow';

/** @returns the text in a colour, or as it is where colours are off. */
export type Paint = (colour: Colour, text: string) => string;

export function paintFor(hasColours: boolean): Paint {
  if (!hasColours) return (_colour, text) => text;
  // Without validateStream, newer versions of Node ask stdout, which may not be where the text goes.
  return (colour, text) => (text === '' ? '' : styleText(colour, text, { validateStream: false }));
}
