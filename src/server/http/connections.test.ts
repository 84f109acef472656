import { EventEmitter } from 'node:events';
import type { Server } from 'node:http';
import { expect, test } from 'vitest';
import { Connections } from './connections.js';

/** A socket as far as it is looked at. */
class Line extends EventEmitter {
  readonly remoteAddress: string;
  isCut = false;
  constructor(address: string) {
    super();
    this.remoteAddress = address;
  }
  destroy(): void {
    this.isCut = true;
    this.emit('close');
  }
}

function opened(total: number, perAddress: number) {
  const http = new EventEmitter();
  new Connections({ total, perAddress }).follow(http as unknown as Server);
  const connect = (address: string): Line => {
    const line = new Line(address);
    http.emit('connection', line);
    return line;
  };
  const ask = (socket: Line) => {
    const [request, response] = [Object.assign(new EventEmitter(), { socket }), new EventEmitter()];
    http.emit('request', request, response);
    return { sent: () => request.emit('end'), answered: () => response.emit('close') };
  };
  return { connect, ask };
}

const cut = (lines: readonly Line[]): boolean[] => lines.map(({ isCut }) => isCut);

test('where all places are taken, the connection that is idle for longest gives way', () => {
  const { connect, ask } = opened(3, 3);
  const [a, b, c] = [connect('1'), connect('2'), connect('3')];
  const asked = ask(a);
  asked.sent();
  asked.answered();
  const d = connect('4');
  expect(cut([a, b, c, d] as Line[])).toEqual([false, true, false, false]);
});

test('one that is answered never gives way; one that is still sending only where none is idle', () => {
  const { connect, ask } = opened(2, 2);
  const [a, b] = [connect('1'), connect('2')] as [Line, Line];
  const first = ask(a);
  ask(b).sent();
  const c = connect('3');
  expect(cut([a, b, c])).toEqual([true, false, false]);
  first.sent();
  ask(c).sent();
  expect(cut([b, c, connect('4')])).toEqual([false, false, true]);
});

test('who has more than a share pushes out only connections of its own', () => {
  const { connect } = opened(10, 2);
  const other = connect('9');
  const own = [connect('1'), connect('1'), connect('1')];
  expect(cut([other, ...own])).toEqual([false, true, false, false]);
});
