/**
 * Answers of the hub that are no success: what they mean and what helps.
 */
import { KvrError } from '../../../core/errors.js';
import { PassingFault } from './passing-fault.js';

/** What a request was for, as messages name it. */
export type Asked = {
  readonly endpoint: string;
  readonly repo: string;
  readonly revision: string;
  /** Absent where the repository itself was asked for. */
  readonly path?: string;
  readonly hasToken: boolean;
};

/** Of those above 500 and of requests that came too early; all others are final. */
const PASSING_STATUS = [408, 425, 429];

/** @returns a PassingFault where another attempt may help, else the error to end with */
export function refusalOf(response: Response, asked: Asked): Error {
  const { status, headers } = response;
  if (status >= 500 || PASSING_STATUS.includes(status))
    return new PassingFault(`status ${status}`, retryAfterMs(headers.get('retry-after')));
  const host = new URL(asked.endpoint).host;
  if (status === 401) return refused(status, unknownOrPrivate(asked, host));
  if (status === 403) return refused(status, notAllowed(asked, headers.get('x-error-code')));
  if (status === 404) return notFound(asked, headers.get('x-error-code'), host);
  return new KvrError(
    'HUB_BAD_ANSWER',
    `${host} answered ${asked.repo} with status ${status}, which it should not`,
  );
}

function refused(status: number, message: string): KvrError {
  return new KvrError('HUB_REFUSED', message, { status });
}

/** The hub answers alike for both, so that nobody learns the names of private models. */
function unknownOrPrivate({ repo, hasToken }: Asked, host: string): string {
  const remedy = hasToken ? 'a valid HF_TOKEN that may read it' : 'HF_TOKEN where it is private or gated';
  return `${host} does not show ${repo} (401): check the name, and set ${remedy}`;
}

function notAllowed({ endpoint, repo, hasToken }: Asked, code: string | null): string {
  const page = `${endpoint}/${repo}`;
  const token = hasToken ? '' : ', and set HF_TOKEN to a token of that account';
  if (code === 'GatedRepo') return `${repo} is gated (403): accept its licence at ${page}${token}`;
  return `${repo} may not be read (403): accept its licence at ${page} where it has one${token || ', or use another HF_TOKEN'}`;
}

function notFound({ repo, revision, path }: Asked, code: string | null, host: string): KvrError {
  const what =
    code === 'RevisionNotFound'
      ? `${repo} has no revision ${revision}`
      : path === undefined
        ? `${host} has no model ${repo}, or no revision ${revision} of it`
        : `${repo} has no file ${path} at revision ${revision}`;
  return new KvrError('MODEL_NOT_FOUND', `${what} (404): check the name`, { status: 404 });
}

/** Seconds; dates, which it may also hold, are not used by the hub. */
function retryAfterMs(text: string | null): number | undefined {
  return text !== null && /^\d{1,6}$/.test(text) ? 1000 * Number(text) : undefined;
}
