/**
 * `encrypted_content` of thinking, for clients that keep nothing on the server and send it back unread. It is an envelope, no secret: the
 * thinking is the client's own.
 */
const MARK = 'kvr.';

export function seal(text: string): string {
  return MARK + Buffer.from(text).toString('base64');
}

/** @returns undefined for what another server sealed */
export function unseal(sealed: unknown): string | undefined {
  if (typeof sealed !== 'string' || !sealed.startsWith(MARK)) return undefined;
  return Buffer.from(sealed.slice(MARK.length), 'base64').toString();
}
