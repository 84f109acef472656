/**
 * What a text in quotes stands for, with Python's escapes. An escape that is none stays as it is written.
 */
const ESCAPE = /\\(?:(\n)|([\\'"abfnrtv])|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3}))/g;
const CHARACTERS: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** @param source between the quotes */
export function literalText(source: string): string {
  if (!source.includes('\\')) return source;
  return source.replace(ESCAPE, (_, line?: string, letter?: string, ...codes: (string | undefined)[]) => {
    if (line !== undefined) return '';
    if (letter !== undefined) return CHARACTERS[letter] ?? letter;
    const [two, four, eight, octal] = codes;
    const code = octal === undefined ? parseInt(two ?? four ?? eight ?? '0', 16) : parseInt(octal, 8);
    return code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd';
  });
}
