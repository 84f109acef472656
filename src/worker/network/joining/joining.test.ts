import { expect, test } from 'vitest';
import { until } from '../../../../test/support/until.js';
import { KvrError } from '../../../core/errors.js';
import type { Frame } from '../../../link/frame.js';
import type { Link } from '../../../link/link.js';
import type { OpenLink } from '../../../link/transport.js';
import type { Connection } from '../door/connection.js';
import { Joining } from './joining.js';

/** An engine as it looks from a worker: dials that it takes or refuses, and connections that it ends. */
function standIn(outcomes: ('taken' | Error)[]) {
  const sent: unknown[] = [];
  const told: string[] = [];
  const refused: KvrError[] = [];
  const connections: Connection[] = [];
  const link = { send: ({ message }: Extract<Frame, { kind: 'control' }>) => sent.push(message) };
  const dial = async (): Promise<OpenLink> => {
    const outcome = outcomes.shift() ?? new KvrError('LINK', 'nobody there');
    if (outcome !== 'taken') throw outcome;
    return () => link as unknown as Link;
  };
  const adopt = (open: OpenLink): Connection => {
    const connection = { role: 'unknown', own: 'b', link: open({} as never) } as unknown as Connection;
    connections.push(connection);
    return connection;
  };
  const joining = new Joining({
    ...{ address: { kind: 'tcp', host: 'a', port: 7001 }, name: 'b', transport: { dial }, adopt },
    tell: (words) => told.push(words),
    onRefused: (error) => refused.push(error),
  });
  return { joining, sent, told, refused, connections };
}

test('it says who it is, and dials again as the same when the link ends', async () => {
  const { joining, sent, connections } = standIn(['taken', 'taken']);
  joining.start({ port: 7002 });
  await until(() => sent.length === 1, 'the first join');
  joining.onClosed(connections[0]!, new Error('gone'));
  await until(() => sent.length === 2, 'the second join');
  expect(sent[0]).toMatchObject({ type: 'join', name: 'b', listen: { port: 7002 } });
  expect(sent[1]).toEqual(sent[0]);
  joining.stop();
});

test('it dials until somebody is there, and tells a reason once however often it is met', async () => {
  const closed = new KvrError('LINK', 'no connection to a:7001');
  const { joining, sent, told } = standIn([closed, closed, new KvrError('LINK', 'no answer'), 'taken']);
  joining.start(undefined);
  await until(() => sent.length === 1, 'the join');
  expect(told).toEqual(['no connection to a:7001; dials again', 'no answer; dials again']);
  joining.stop();
});

test('the end of other connections is not its matter', async () => {
  const { joining, sent, told, connections } = standIn(['taken', 'taken']);
  joining.start(undefined);
  await until(() => sent.length === 1, 'the join');
  joining.onClosed({} as Connection, new Error('a peer is gone'));
  expect(told).toEqual([]);
  expect(joining.owns(connections[0]!)).toBe(true);
  joining.stop();
});

test('only the engine that it dialled can refuse it', async () => {
  const { joining, sent, refused, connections } = standIn(['taken']);
  joining.start(undefined);
  await until(() => sent.length === 1, 'the join');
  const message = { type: 'refused', code: 'WORKER_FAILED', message: 'runs another model' } as const;
  joining.onRefused({} as Connection, message);
  expect(refused).toEqual([]);
  joining.onRefused(connections[0]!, message);
  expect(refused).toMatchObject([
    { code: 'WORKER_FAILED', message: expect.stringContaining('another model') as string },
  ]);
  joining.stop();
});
