/**
 * How much a task brings, told without doing it. Pure.
 */
import { leastChars } from '../../grammar/limits/value-size.js';
import type { PreparationTask } from './prepare.js';

/** A value of JSON costs about as much as so many characters of a text. */
const CHARS_PER_VALUE = 16;

/** Characters of the task's texts, and a little for each value; stops counting above the limit. */
export function taskChars(task: PreparationTask, limit: number): number {
  switch (task.kind) {
    case 'text':
      return task.text.length;
    case 'chat':
      return valueChars([task.messages, task.tools, task.template?.args], limit);
    case 'grammar':
      return valueChars(task.grammars, limit);
  }
}

function valueChars(value: unknown, limit: number): number {
  return leastChars(value, limit, CHARS_PER_VALUE);
}

/** The task in words, for messages. */
export function taskWords(task: PreparationTask): string {
  return task.kind === 'grammar' ? 'the schema' : 'the prompt';
}
