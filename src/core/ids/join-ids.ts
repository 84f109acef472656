/**
 * Token ids of a prompt and of what follows it, as one array. Pure.
 */
export function joinIds(prompt: Int32Array, rest: readonly number[] | Int32Array): Int32Array<ArrayBuffer> {
  const ids = new Int32Array(prompt.length + rest.length);
  ids.set(prompt);
  ids.set(rest, prompt.length);
  return ids;
}
