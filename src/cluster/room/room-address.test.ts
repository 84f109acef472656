import { expect, test } from 'vitest';
import { parseServers, serverLogin, shownRoom } from './room-address.js';

test('servers have a port, and people or tokens, and are shown without them', () => {
  expect(serverLogin(['nats://a', 'nats://b:5'])).toEqual({ servers: ['a:4222', 'b:5'], isTls: false });
  expect(serverLogin(['tls://me:p%40ss@a'])).toEqual({
    ...{ servers: ['a:4222'], isTls: true, user: 'me', password: 'p@ss' },
  });
  expect(serverLogin(['nats://secret@a'])).toMatchObject({ token: 'secret' });
  const servers = parseServers('nats://me:secret@a, nats://[::1]:5');
  expect(shownRoom({ servers, name: 'lab' })).toBe('room lab at nats://a:4222,nats://[::1]:5');
});

test.each([
  '',
  'a:4222',
  'http://me:secret@a',
  'nats://',
  'nats://a,tls://b',
  'nats://a/secret',
  'nats://%zz:secret@a',
])('"%s" is refused without being repeated', (text) => {
  const refused = (): unknown => parseServers(text);
  expect(refused).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
  expect(refused).not.toThrow(/secret/);
});
