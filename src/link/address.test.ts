import { expect, test } from 'vitest';
import { formatAddress, parseAddress } from './address.js';

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
