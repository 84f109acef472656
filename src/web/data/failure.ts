/** Why there is no answer, for people. */
export type Failure = { readonly status: number; readonly message: string };

/** Status of failures without an answer: the server is gone, or the call was called off. */
export const NO_ANSWER = 0;
