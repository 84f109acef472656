/**
 * Why there is no answer, for people.
 */
import * as z from 'zod/mini';
import { text } from '../../core/schema/fields.js';

export type Failure = { readonly status: number; readonly message: string };

/** Status of failures without an answer: the server is gone, or the call was called off. */
export const NO_ANSWER = 0;

/** How the server tells every error, before an answer and in the middle of a stream. */
export const errorBodySchema = z.object({ error: z.object({ message: text }) });
