/**
 * A few pieces of work at a time, in order. Knows nothing of the work.
 */

/**
 * @param stop called when the first piece fails; the others are waited for, so that nothing goes on behind the caller's back
 * @throws what the first piece that failed threw
 */
export async function atOnce<T>(
  pieces: readonly T[],
  most: number,
  work: (piece: T) => Promise<void>,
  stop: () => void,
): Promise<void> {
  const left = [...pieces];
  const failures: unknown[] = [];
  const lane = async (): Promise<void> => {
    for (let piece = left.shift(); piece !== undefined && failures.length === 0; piece = left.shift()) {
      try {
        await work(piece);
      } catch (error) {
        failures.push(error);
        stop();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, pieces.length) }, lane));
  if (failures.length > 0) throw failures[0];
}
