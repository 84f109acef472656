import { expect, test } from 'vitest';
import type { KvrError } from '../../core/errors.js';
import { Recall } from './recall.js';
import type { Kept, ResponseStore } from './store.js';

const CHARS = 1_000;

/** A store that counts how often it is asked. */
function countingStore() {
  const asked: string[] = [];
  const find = (id: string): Kept => {
    asked.push(id);
    const number = Number(id.slice('resp_'.length));
    const output = [{ id: `msg_${number}_0`, type: 'message', content: 'x'.repeat(CHARS) }];
    return {
      ...{ response: JSON.stringify({ output }), input: '["said"]' },
      previousId: number > 0 ? `resp_${number - 1}` : undefined,
    };
  };
  return { asked, store: { find } as unknown as ResponseStore };
}

test('a response that is named a thousand times is read once', () => {
  const { asked, store } = countingStore();
  const recall = new Recall(store);
  for (let time = 0; time < 1_000; time++) recall.item('msg_0_0', 'input.0.id');
  expect(asked).toEqual(['resp_0']);
});

test('a conversation comes in its order, and ends where it is too long to be read', () => {
  const { asked, store } = countingStore();
  const items = new Recall(store).conversation('resp_2') as { id?: string }[];
  expect(items.map((item) => item.id ?? item)).toEqual([
    'said',
    'msg_0_0',
    'said',
    'msg_1_0',
    'said',
    'msg_2_0',
  ]);
  asked.length = 0;
  const code = () => {
    try {
      return new Recall(store, 10 * CHARS).conversation('resp_90');
    } catch (error) {
      return (error as KvrError).code;
    }
  };
  expect(code()).toBe('PROMPT_TOO_LONG');
  expect(asked.length).toBeLessThan(11);
});
