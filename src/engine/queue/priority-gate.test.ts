import { getEventListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { PriorityGate } from './priority-gate.js';

const MAX_WAITING = 8;
const never = new AbortController().signal;

test('lets one in at a time, in order of arrival', async () => {
  const gate = new PriorityGate(MAX_WAITING);
  const order: string[] = [];
  const visit = async (name: string): Promise<void> => {
    const leave = await gate.enter(never);
    order.push(`${name} in`);
    await turn();
    order.push(`${name} out`);
    leave();
  };
  await Promise.all(['a', 'b', 'c'].map(visit));
  expect(order).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
});

test('one that gives up leaves at once and does not let the next one overtake', async () => {
  const gate = new PriorityGate(MAX_WAITING);
  const leaveFirst = await gate.enter(never);
  const second = new AbortController();
  const waiting = gate.enter(second.signal);
  let isThirdIn = false;
  const third = gate.enter(never).then((leave) => {
    isThirdIn = true;
    return leave;
  });
  second.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  await turn();
  expect(isThirdIn).toBe(false);
  leaveFirst();
  (await third)();
  (await gate.enter(never))();
});

test('refuses one that had given up before, and stays usable', async () => {
  const gate = new PriorityGate(MAX_WAITING);
  await expect(gate.enter(AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELLED' });
  (await gate.enter(never))();
});

test('refuses more than may wait, with BUSY, and takes more when some have gone', async () => {
  const gate = new PriorityGate(MAX_WAITING);
  const leave = await gate.enter(never);
  const impatient = new AbortController();
  const waiting = Array.from({ length: MAX_WAITING }, () => gate.enter(impatient.signal));
  const settled = Promise.allSettled(waiting);
  await expect(gate.enter(never)).rejects.toMatchObject({ code: 'BUSY' });
  impatient.abort();
  await settled;
  const next = gate.enter(never);
  leave();
  (await next)();
});

test('leaves no listener on a signal that outlives the requests', async () => {
  const gate = new PriorityGate(MAX_WAITING);
  const { signal } = new AbortController();
  for (let i = 0; i < 20; i++) (await gate.enter(signal))();
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('a lower priority number goes first, whoever came before; equal ones in order of arrival', async () => {
  const gate = new PriorityGate(MAX_WAITING);
  const order: string[] = [];
  const leave = await gate.enter(never);
  const visit = async (name: string, priority: number): Promise<void> => {
    (await gate.enter(never, { priority: priority }).finally(() => order.push(name)))();
  };
  const visits = [visit('late', 5), visit('first', -1), visit('a', 0), visit('b', 0)];
  leave();
  await Promise.all(visits);
  expect(order).toEqual(['first', 'a', 'b', 'late']);
});

test('one that gives up leaves no place behind, whatever its priority', async () => {
  const gate = new PriorityGate(2);
  const leave = await gate.enter(never);
  const impatient = new AbortController();
  const waiting = gate.enter(impatient.signal, { priority: -5 });
  const patient = gate.enter(never, { priority: 3 });
  impatient.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(gate.inside).toBe(2);
  leave();
  (await patient)();
  expect(gate.inside).toBe(0);
});

test('those who wait are told in the order in which they would go', async () => {
  const gate = new PriorityGate(9, 1, (client) => (client === 'busy' ? 1 : 0));
  const { signal } = new AbortController();
  const leaveFirst = await gate.enter(signal, { id: 'first' });
  const entered: string[] = [];
  for (const [id, standing] of Object.entries({
    a: { client: 'busy' },
    b: {},
    c: { priority: -1, client: 'busy' },
    d: {},
  }))
    void gate.enter(signal, { ...standing, id }).then((leave) => {
      entered.push(id);
      leave();
    });
  const told = gate.inOrder.map(({ id }) => id);
  expect(told).toEqual(['c', 'b', 'd', 'a']);
  leaveFirst();
  await vi.waitFor(() => expect(entered).toEqual(told));
});
