import { setImmediate as oneTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { controlFrame, type Frame } from '../../link/frame.js';
import type { Link, LinkHandlers } from '../../link/link.js';
import { memoryLinkPair } from '../../link/memory-link.js';
import type { OnCaller, Transport } from '../../link/transport.js';
import { MAX_STRANGERS, MAX_STRANGERS_PER_HOST } from '../../worker/network/door/caller-limits.js';
import { HANDSHAKE_TIMEOUT_MS } from '../../worker/network/door/silence.js';
import { type Caller, EngineDoor } from './engine-door.js';

const JOIN = { type: 'join', name: 'b', process: '7b3f3c1e-95a5-4c0c-8d5b-0a4d9e0f1a2b' };
const HERE = { kind: 'tcp', host: '127.0.0.1', port: 7001 } as const;

/** Frames, and ends, take a turn each at either end. */
async function turn(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await oneTurn();
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** A door, and callers of it over links in memory. */
async function openDoor(onCaller: (caller: Caller) => void = () => undefined) {
  const told: string[] = [];
  let admit: OnCaller = () => undefined;
  const listen: Transport['listen'] = (address, take) => {
    admit = take;
    return Promise.resolve({ address, close: () => undefined });
  };
  const transportOf = (): Transport => ({ listen, dial: () => Promise.reject(new Error('nobody dials')) });
  const door = await EngineDoor.open({
    address: HERE,
    transportOf,
    onCaller,
    tell: (words) => told.push(words),
  });
  const call = (host = '10.0.0.9') => {
    const caller = { isGone: false, heard: [] as Frame[] };
    const handlers: LinkHandlers = {
      onFrame: (frame) => caller.heard.push(frame),
      onClose: () => (caller.isGone = true),
    };
    let mine: Link | undefined;
    admit((theirs) => {
      const [near, far] = memoryLinkPair(handlers, theirs);
      mine = near;
      return far;
    }, host);
    return Object.assign(caller, { say: (message: unknown) => mine?.send(controlFrame(message)) });
  };
  return { door, told, call };
}

test('who says that he joins is handed over, with all that he says afterwards', async () => {
  const heard: unknown[] = [];
  const { call } = await openDoor(({ message, host, handed }) => {
    heard.push([message.type, host]);
    handed.handOver({
      onFrame: (frame) => heard.push((frame as { message: unknown }).message),
      onClose: () => heard.push('end'),
    });
  });
  const caller = call();
  caller.say(JOIN);
  caller.say({ type: 'ready' });
  await turn();
  expect(heard).toEqual([['join', '10.0.0.9'], { type: 'ready' }]);
});

test.each([[{ type: 'hello' }], [{ ...JOIN, name: '../up' }], [{ ...JOIN, process: 'x' }], ['text']])(
  'who begins with %j is sent away, and told of',
  async (message) => {
    const taken = vi.fn();
    const { call, told } = await openDoor(taken);
    const caller = call();
    caller.say(message);
    await turn();
    expect([caller.isGone, taken.mock.calls, told.length]).toEqual([true, [], 1]);
    expect(told[0]).toMatch(/^refused a caller from 10\.0\.0\.9: /);
  },
);

test('who says nothing has some seconds; who has joined has all the time', async () => {
  const { call } = await openDoor();
  const silent = call();
  const joined = call();
  joined.say(JOIN);
  await turn();
  vi.advanceTimersByTime(HANDSHAKE_TIMEOUT_MS);
  await turn();
  expect([silent.isGone, joined.isGone]).toEqual([true, false]);
});

test('of strangers that are too many the oldest goes, of one machine sooner, and who has joined never', async () => {
  const { call } = await openDoor();
  const joined = call();
  joined.say(JOIN);
  await turn();
  const ofOne = Array.from({ length: MAX_STRANGERS_PER_HOST + 2 }, () => call('10.0.0.5'));
  const ofMany = Array.from({ length: MAX_STRANGERS }, (_, index) => call(`10.0.1.${index}`));
  await turn();
  expect(ofOne.slice(0, 2).map(({ isGone }) => isGone)).toEqual([true, true]);
  expect(ofMany.at(-1)?.isGone).toBe(false);
  expect([...ofOne, ...ofMany].filter(({ isGone }) => !isGone)).toHaveLength(MAX_STRANGERS);
  expect(joined.isGone).toBe(false);
});

test('closing sends strangers away, and leaves those who were let in to others', async () => {
  const { door, call } = await openDoor();
  const [stranger, joined] = [call(), call()];
  joined.say(JOIN);
  await turn();
  door.close();
  door.close();
  await turn();
  expect([stranger.isGone, joined.isGone]).toEqual([true, false]);
});
