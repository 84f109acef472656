import { expect, test } from 'vitest';
import { answerEvents } from './answer-event.js';

const told = (data: unknown, name = 'message') => answerEvents({ name, data: JSON.stringify(data) });

test('a chat chunk, a completion chunk and the end of either', () => {
  expect(told({ id: 'a', choices: [{ index: 0, delta: { content: 'Hi' }, finish_reason: null }] })).toEqual([
    { type: 'text', id: 'a', text: 'Hi' },
  ]);
  expect(told({ id: 'b', choices: [{ index: 0, text: 'Hi', finish_reason: 'length' }] })).toEqual([
    { type: 'text', id: 'b', text: 'Hi' },
    { type: 'end', reason: 'length' },
  ]);
  expect(told({ id: 'a', choices: [{ delta: {}, finish_reason: 'stop' }] })).toEqual([
    { type: 'end', reason: 'stop' },
  ]);
});

test('progress of the prompt phase', () => {
  expect(told({ fraction: 0.42 }, 'kvr.prefill')).toEqual([{ type: 'prefill', fraction: 0.42 }]);
});

test('an error in mid-stream is told with its message', () => {
  expect(told({ error: { message: 'rank 1 died' } })).toEqual([
    { type: 'failed', failure: { status: 0, message: 'rank 1 died' } },
  ]);
});

test('usage alone, unknown events and broken JSON tell nothing', () => {
  expect(told({ id: 'a', choices: [], usage: {} })).toEqual([]);
  expect(told({ hello: 1 })).toEqual([]);
  expect(answerEvents({ name: 'message', data: '{' })).toEqual([]);
  expect(told({ fraction: 'x' }, 'kvr.prefill')).toEqual([]);
});
