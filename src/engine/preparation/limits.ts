/**
 * The limits of preparing requests, each with its reason. Work is counted; time and memory are bounded besides, for
 * whatever the counts do not see.
 */
import { GRAMMAR_LIMITS } from '../../grammar/grammar.js';
import { TEMPLATE_LIMITS } from '../../tokenizer/index.js';
import type { PreparationLimits } from './prepare.js';

export const LIMITS: PreparationLimits = { template: TEMPLATE_LIMITS, grammar: GRAMMAR_LIMITS };

/** Tasks up to this size are begun on the spot: ordinary prompts then wait for no thread. */
export const SMALL_CHARS = 4096;
/** What they may cost there, a few milliseconds each; one that costs more is begun anew on a thread. */
export const SMALL_LIMITS: PreparationLimits = {
  template: { steps: 20_000, chars: 512 * 1024 },
  grammar: { work: 5_000, ahead: 100_000 },
};

/** Prompts of all requests that may be waiting for a thread or be on one: together, in characters. */
export const MAX_CHARS_AT_ONCE = 24 * 2 ** 20;
/** Tasks that may wait for a thread. */
export const MAX_TASKS_WAITING = 64;
/** Two, so that one task that takes its whole time does not hold all others. */
export const MAX_THREADS = 2;
/** A task that takes longer is ended with its thread: about four megabytes of English are tokenized in that time. */
export const TASK_TIME_MS = 2_000;
/** A thread that has not read the tokenizer's files by then never will. */
export const START_TIME_MS = 120_000;
/** Heap of a task: eight megabytes of text as words and tokens take about half of it. */
export const TASK_HEAP_MB = 128;
/** Heap of a thread before any task: the program, and the tokenizer by the size of its files. */
export const PROGRAM_HEAP_MB = 48;
export const HEAP_PER_TOKENIZER_BYTE = 16;
/** Of short-lived objects; V8's own default would be of the size of the machine. */
export const YOUNG_HEAP_MB = 16;
/** A thread whose heap has grown by more than this is ended once it is idle, so that its memory goes back. */
export const KEPT_HEAP_MB = 24;
/** Grammars that are known to be accepted: clients send the same ones again and again. */
export const MAX_GRAMMARS_KNOWN = 256;
