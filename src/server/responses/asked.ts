/**
 * A request to /v1/responses as its answers need it, beside what all dialects know.
 */
import type { ParsedRequest } from '../answers/parsed-request.js';

export type ResponsesRequest = ParsedRequest & {
  readonly createdS: number;
  /** As the client sent it, without what is null: responses repeat much of it. */
  readonly body: Readonly<Record<string, unknown>>;
  /** The items of this request, without those said before. */
  readonly input: readonly unknown[];
  readonly previousId: string | undefined;
  readonly isStored: boolean;
};
