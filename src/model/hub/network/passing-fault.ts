/**
 * What went wrong on the way and may be right at the next attempt: a cut connection, a busy server. Never leaves this folder.
 */
export class PassingFault extends Error {
  override readonly name = 'PassingFault';
  /** What the server asked to wait. */
  readonly waitMs: number | undefined;

  constructor(message: string, waitMs?: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.waitMs = waitMs;
  }
}
