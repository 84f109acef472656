/**
 * Numbers and lines for people. Pure; the same in every language setting, so that outputs can be compared.
 */

/** 1234567 → '1,234,567'. */
export function formatCount(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Three digits at most: '7.31 ms', '431 ms', '1.40 s', '95.2 s'. */
export function formatMs(ms: number): string {
  return ms < 999.5 ? `${threeDigits(ms)} ms` : `${threeDigits(ms / 1000)} s`;
}

/** Decimal units, as disks and this project's figures have them: '33.6 MB'. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 ? String(value) : threeDigits(value)} ${units[power]}`;
}

export function formatShare(share: number): string {
  return `${Math.round(100 * share)} %`;
}

function threeDigits(value: number): string {
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

/** @returns 'N word' or 'N words'. */
export function formatPlural(count: number, word: string): string {
  return `${formatCount(count)} ${word}${count === 1 ? '' : 's'}`;
}

/** Joins parts with ' · ', beginning a new line where the next part would not fit; a longer part is cut. */
export function joinParts(parts: readonly string[], columns: number): string {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 3 + part.length <= columns)
      lines.push(`${lines.pop()} · ${part}`);
    else lines.push(cut(part, columns));
  }
  return lines.join('\n');
}

/** Breaks text at spaces so that no line has more than `columns` cells. */
export function wrap(text: string, columns: number): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= columns) lines.push(`${lines.pop()} ${word}`);
    else lines.push(cut(word, columns));
  }
  return lines.join('\n');
}

export function cut(line: string, columns: number): string {
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`;
}

const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;
const CONTROLS_BUT_LAYOUT = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** One line for a message or a bar: names out of files and arguments may hold line ends and escape codes. */
export function oneLine(text: string): string {
  return text.replace(CONTROLS, ' ').trim();
}

/** Text from a model for a terminal: line ends and tabs stay, codes that would steer the terminal do not. */
export function forTerminal(text: string): string {
  return text.replace(CONTROLS_BUT_LAYOUT, '\ufffd');
}
