/**
 * Which path a request means: base URLs are typed with and without /v1, with a slash at their end, or with two in a row.
 */

/** @param paths of all routes: those under /v1 are also found without it, unless another API has that path */
export function pathReader(paths: readonly string[]): (request: Request) => string {
  const own = new Set(paths.map((path) => beginOf(path)));
  const versioned = new Set(
    paths.filter((path) => path.startsWith('/v1/')).map((path) => beginOf(path.slice(3))),
  );
  return (request) => {
    const path = plainPath(request);
    const begin = beginOf(path);
    return versioned.has(begin) && !own.has(begin) ? `/v1${path}` : path;
  };
}

function plainPath(request: Request): string {
  const { pathname } = new URL(request.url);
  const plain = pathname.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '');
  return plain.replace(/^(?:\/v1)+(?=\/v1\/)/, '');
}

/** "/chat" of "/chat/completions". */
function beginOf(path: string): string {
  return `/${path.split('/', 2)[1] ?? ''}`;
}
