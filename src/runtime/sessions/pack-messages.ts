/**
 * What goes between a compilation and the threads that pack its graphs.
 */
import type { KvrErrorCode } from '../../core/errors.js';

export type PackTask = { readonly source: string; readonly target: string };
export type PackAnswer =
  | { readonly isPacked: boolean; readonly failure?: undefined }
  | { readonly failure: { readonly message: string; readonly code?: KvrErrorCode } };
