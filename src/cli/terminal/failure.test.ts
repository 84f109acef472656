import { expect, test } from 'vitest';
import { KvrError } from '../../core/errors.js';
import { reportFailure } from './failure.js';
import type { StopCause } from './interrupt.js';
import type { Output } from './shell.js';

function told(error: unknown, cause?: StopCause, style = { isJson: false, isVerbose: false }) {
  const texts = { stdout: '', stderr: '' };
  const output = (name: 'stdout' | 'stderr'): Output => ({
    write: (text) => void (texts[name] += text),
    isTerminal: false,
    columns: 80,
    hasColours: false,
  });
  const status = reportFailure(error, cause, style, { stdout: output('stdout'), stderr: output('stderr') });
  return { status, ...texts };
}

test('a failure is one line on stderr, whatever its message holds', () => {
  const { status, stdout, stderr } = told(new KvrError('BAD_INPUT', 'no such\nthing \u001b[1m'));
  expect({ status, stdout, stderr }).toEqual({ status: 2, stdout: '', stderr: 'kvr: no such thing  [1m\n' });
  expect(told(new Error('x'.repeat(5000))).stderr.length).toBeLessThan(700);
  expect(told(new Error('first\nsecond')).status).toBe(1);
});

test('with --json stdout has one document with code, message and fields', () => {
  const error = new KvrError('WORKER_DIED', 'rank 1 is gone', { rank: 1, phase: 'prefill', code: 'x' });
  const { stdout, stderr, status } = told(error, undefined, { isJson: true, isVerbose: false });
  expect(JSON.parse(stdout)).toEqual({
    error: { code: 'WORKER_DIED', message: 'rank 1 is gone', rank: 1, phase: 'prefill' },
  });
  expect({ stderr, status }).toEqual({ stderr: 'kvr: rank 1 is gone\n', status: 1 });
});

test('--verbose adds the stack and its causes', () => {
  const error = new KvrError('LINK', 'link broke', {}, new Error('reset'));
  const { stderr } = told(error, undefined, { isJson: false, isVerbose: true });
  expect(stderr).toMatch(/^kvr: link broke\n[^]*at [^]*caused by Error: reset[^]*at /);
});

test('an interrupt is 130, whatever broke because of it', () => {
  const { status, stderr } = told(new KvrError('WORKER_DIED', 'gone'), { kind: 'signal', name: 'SIGINT' });
  expect({ status, stderr }).toEqual({ status: 130, stderr: 'kvr: interrupted by SIGINT\n' });
});

test('a reader that has gone is no failure, an output that can not be written is one', () => {
  expect(told(new KvrError('CANCELLED', 'x'), { kind: 'unread' })).toEqual({
    status: 0,
    stdout: '',
    stderr: '',
  });
  const error = new KvrError('INTERNAL', 'the output can not be written (ENOSPC)');
  expect(told(undefined, { kind: 'unwritable', error })).toMatchObject({
    status: 1,
    stderr: `kvr: ${error.message}\n`,
  });
});
