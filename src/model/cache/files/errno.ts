/**
 * Tells apart the errors of the operating system.
 */

/** @returns whether an error of Node has one of these codes, such as 'ENOENT'. */
export function isErrno(error: unknown, ...codes: readonly string[]): error is NodeJS.ErrnoException {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
  );
}
