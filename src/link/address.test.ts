import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connectTo, formatAddress, parseAddress } from './address.js';

test.each([
  ['unix:/tmp/a b/0.sock', { kind: 'unix', path: '/tmp/a b/0.sock' }],
  ['127.0.0.1:80', { kind: 'tcp', host: '127.0.0.1', port: 80 }],
  ['worker-3.example:65535', { kind: 'tcp', host: 'worker-3.example', port: 65_535 }],
  ['localhost:0', { kind: 'tcp', host: 'localhost', port: 0 }],
  ['[::1]:9000', { kind: 'tcp', host: '::1', port: 9000 }],
])('reads %s and writes it the same way', (text, address) => {
  expect(parseAddress(text)).toEqual(address);
  expect(formatAddress(parseAddress(text))).toBe(text);
});

test.each([
  '',
  'unix:',
  'localhost',
  'localhost:',
  ':80',
  'host:65536',
  'host:-1',
  'host:1e3',
  'host:123456',
  '::1:80',
  'http://host:80',
  'a host:80',
  '[::1]',
  '[not v6]:80',
])('refuses "%s" with the address in the message', (text) => {
  expect(() => parseAddress(text)).toThrow(
    expect.objectContaining({ code: 'BAD_INPUT', message: expect.stringContaining(`"${text}"`) as string }),
  );
});

test('connecting where nobody listens is a LINK error that names the address', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kvr-address-'));
  try {
    const path = join(folder, 'nobody.sock');
    await expect(connectTo({ kind: 'unix', path })).rejects.toMatchObject({
      code: 'LINK',
      message: expect.stringContaining(`unix:${path}`) as string,
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a cancelled connect ends at once, also when it was cancelled before it began', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  const address = { kind: 'tcp', host: '127.0.0.1', port } as const;
  const connecting = new AbortController();
  const late = connectTo(address, connecting.signal);
  connecting.abort();
  await expect(late).rejects.toMatchObject({ code: 'LINK' });
  await expect(connectTo(address, AbortSignal.abort())).rejects.toMatchObject({ code: 'LINK' });
  server.close();
});

test('a connected socket is left alone by a signal that comes later', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  const controller = new AbortController();
  const socket = await connectTo({ kind: 'tcp', host: '127.0.0.1', port }, controller.signal);
  controller.abort();
  expect(socket.destroyed).toBe(false);
  socket.destroy();
  server.close();
});
