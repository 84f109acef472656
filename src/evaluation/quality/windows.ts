/**
 * Splits a text's tokens into windows that are read one after the other, each on its own. Pure.
 */

/**
 * @param ids of the whole text; a begin token in front belongs to every window
 * @param windowTokens the most tokens of a window, the begin token counted
 * @returns windows of at least two tokens: all but the first of each are predicted
 */
export function windowsOf(
  ids: readonly number[],
  bosId: number | undefined,
  windowTokens: number,
): Int32Array[] {
  const hasBegin = bosId !== undefined && ids[0] === bosId;
  const begin = hasBegin ? [bosId] : [];
  const text = hasBegin ? ids.slice(1) : ids;
  const size = windowTokens - begin.length;
  const windows: Int32Array[] = [];
  for (let start = 0; start < text.length; start += size) {
    windows.push(Int32Array.from([...begin, ...text.slice(start, start + size)]));
  }
  return windows.filter((window) => window.length > 1);
}
