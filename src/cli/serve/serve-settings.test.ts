import { expect, test } from 'vitest';
import { checkReach, serverSettings } from './serve-settings.js';

const FLAGS = { model: 'm', auth: true };
const KEY = '0123456789abcdef';

test('flags reach the server in its units', () => {
  const settings = serverSettings({ ...FLAGS, deadline: 0.5, drain: 2, maxBody: 1.5 }, undefined);
  expect(settings).toMatchObject({
    host: '127.0.0.1',
    deadlineMs: 500,
    drainMs: 2000,
    maxBodyBytes: 1_500_000,
  });
});

test('the key of --api-key wins over that of the environment; an empty one is none', () => {
  expect(serverSettings({ ...FLAGS, apiKey: KEY }, 'fedcba9876543210').apiKey).toBe(KEY);
  expect(serverSettings(FLAGS, KEY).apiKey).toBe(KEY);
  expect(serverSettings(FLAGS, '').apiKey).toBeUndefined();
});

test.each(['short', 'with a space in it', 'ünvisible-enough'])('the key %j is refused', (key) => {
  expect(() => serverSettings({ ...FLAGS, apiKey: key }, undefined)).toThrow(
    /^the API key must be at least 8 visible characters of ASCII; give/,
  );
});

test('beyond this machine only with a key, or where --no-auth says so', () => {
  const open = { ...FLAGS, host: '0.0.0.0' };
  const check = (flags: typeof open & { apiKey?: string }): void =>
    checkReach(serverSettings(flags, undefined), flags);
  expect(() => check(open)).toThrow(/^--host 0\.0\.0\.0 can be reached from other machines; give --api-key/);
  expect(() => check({ ...open, apiKey: KEY })).not.toThrow();
  expect(() => check({ ...open, auth: false })).not.toThrow();
  expect(() => check({ ...open, auth: false, apiKey: KEY })).toThrow(/contradict/);
  expect(() => check({ ...open, host: '127.0.0.1' })).not.toThrow();
});
