/**
 * Which path a request means: base URLs are typed with and without /v1, with a slash at their end, or with two in a row.
 */

/** Endpoints of OpenAI's API, which clients also ask for without the version in front. */
const WITHOUT_VERSION = /^\/(?:chat\/completions|completions|models(?:\/.+)?)$/;

export function pathOf(request: Request): string {
  const { pathname } = new URL(request.url);
  const plain = pathname.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '');
  const once = plain.replace(/^(?:\/v1)+(?=\/v1\/)/, '');
  return WITHOUT_VERSION.test(once) ? `/v1${once}` : once;
}
