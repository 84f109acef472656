/**
 * What a thread of a pool is told, and what it says.
 */
import type { ErrorFields, KvrErrorCode } from '../../core/errors.js';

/** What is to be done, how large it is in characters, and what it is called in messages. */
export type PoolTask = { readonly message: unknown; readonly size: number; readonly words: string };

export type FromPoolThread =
  | { readonly type: 'ready' }
  /** @property hasGrown the thread holds much more memory than before its first task */
  | { readonly type: 'done'; readonly result: unknown; readonly hasGrown: boolean }
  | {
      readonly type: 'failed';
      readonly code: KvrErrorCode;
      readonly message: string;
      readonly fields: ErrorFields;
      readonly hasGrown: boolean;
    };
