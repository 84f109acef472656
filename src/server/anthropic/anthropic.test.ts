import { expect, test } from 'vitest';
import { resultOf } from '../../../test/support/live-server.js';
import { KvrError } from '../../core/errors.js';
import { Answer } from '../answers/answer.js';
import type { ChoiceRun } from '../answers/choice-run.js';
import { STREAM_QUIET_MS } from '../requests/settings.js';
import { errorBody } from './error-body.js';
import { messageStream } from './event-stream.js';
import { stopOf } from './message.js';

const RUN = { answers: [], results: [], id: 'msg_1' } as unknown as ChoiceRun;
const PING = 'event: ping\ndata: {"type":"ping"}\n\n';

test('a ping comes only after a silence', () => {
  const stream = messageStream(RUN, false);
  expect(stream.progress(undefined, 0)).toBe('');
  expect(stream.progress(0.5, STREAM_QUIET_MS - 1)).toBe('');
  expect(stream.progress(0.5, STREAM_QUIET_MS)).toBe(PING);
  expect(messageStream(RUN, true).progress(0.5, 0)).toBe('event: kvr.prefill\ndata: {"fraction":0.5}\n\n');
});

test('an answer that a stop string ended names it', () => {
  const answer = new Answer(undefined, [2]);
  answer.take({ type: 'done', result: { ...resultOf('a', [1]), stopString: 'END' } });
  expect(stopOf(answer)).toEqual({ stop_reason: 'stop_sequence', stop_sequence: 'END' });
});

test.each([
  ['BAD_INPUT', 'invalid_request_error', false],
  ['UNAUTHORIZED', 'authentication_error', false],
  ['NOT_FOUND', 'not_found_error', false],
  ['BODY_TOO_LARGE', 'request_too_large', false],
  ['BUSY', 'rate_limit_error', true],
  ['CLOSED', 'overloaded_error', true],
  ['DEADLINE', 'timeout_error', false],
  ['INTERNAL', 'api_error', false],
] as const)('%s has the type that clients look for', (code, type, retryable) => {
  const { error } = errorBody(new KvrError(code, 'x'.repeat(700), { param: 'n' }));
  expect(error).toEqual({ message: 'x'.repeat(600), type, param: 'n', retryable });
});
