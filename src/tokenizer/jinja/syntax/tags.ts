/**
 * Finds tags in a template's source and decides on the white space around them, as transformers sets Jinja up: the line
 * end behind a statement is dropped (trim_blocks), and so is the space before one at a line's begin (lstrip_blocks).
 */
export type Tag =
  | { readonly kind: 'statement' | 'print' | 'comment'; readonly before: string; readonly end: number }
  /** What is printed as it is written. */
  | { readonly kind: 'raw'; readonly before: string; readonly text: string; readonly end: number };

const BEGIN = /\{(?:%[-+]?\s*raw\s*(?:-%\}\s*|%\})|[%{#][-+]?)/g;
const COMMENT_END = /\+#\}|-#\}\s*|#\}\n?/g;
const RAW_END = /\{%[-+]?\s*endraw\s*(?:\+%\}|-%\}\s*|%\}\n?)/g;
const STATEMENT_END = /\+%\}|-%\}\s*|%\}\n?/y;
const PRINT_END = /-\}\}\s*|\}\}/y;

/** With one kind of line ends, of which the last is dropped. */
export function unsplit(source: string): string {
  return source.replace(/\r\n?/g, '\n').replace(/\n$/, '');
}

/** @param isLineBegin whether `at` stands at the begin of a line. @returns undefined where no tag follows */
export function nextTag(source: string, at: number, isLineBegin: boolean): Tag | undefined {
  const begin = found(BEGIN, source, at);
  if (!begin) return undefined;
  const [mark, start] = begin;
  const before = textBefore(source.slice(at, start), mark, isLineBegin);
  const end = start + mark.length;
  if (mark.endsWith('}') || /raw\s*-%\}\s*$/.test(mark)) return rawTag(source, before, end);
  if (mark[1] !== '#') return { kind: mark[1] === '{' ? 'print' : 'statement', before, end };
  const closing = found(COMMENT_END, source, end);
  if (!closing) throw new Error('a comment is not closed');
  return { kind: 'comment', before, end: closing[1] + closing[0].length };
}

/** @returns where the tag that is open ends, if it ends here */
export function endOfTag(source: string, at: number, kind: 'statement' | 'print'): number | undefined {
  const pattern = kind === 'print' ? PRINT_END : STATEMENT_END;
  pattern.lastIndex = at;
  const closing = pattern.exec(source)?.[0];
  return closing === undefined ? undefined : at + closing.length;
}

function rawTag(source: string, before: string, at: number): Tag {
  const closing = found(RAW_END, source, at);
  if (!closing) throw new Error('a raw block is not closed');
  const [mark, start] = closing;
  const text = textBefore(source.slice(at, start), mark, false);
  return { kind: 'raw', before, text, end: start + mark.length };
}

function textBefore(text: string, mark: string, isLineBegin: boolean): string {
  const sign = mark[2];
  if (sign === '-') return text.trimEnd();
  if (sign === '+' || mark[1] === '{') return text;
  const line = text.lastIndexOf('\n') + 1;
  const isStripped = (line > 0 || isLineBegin) && /^\s+$/.test(text.slice(line));
  return isStripped ? text.slice(0, line) : text;
}

function found(pattern: RegExp, source: string, at: number): [string, number] | undefined {
  pattern.lastIndex = at;
  const match = pattern.exec(source);
  return match ? [match[0], match.index] : undefined;
}
