import { expect, test } from 'vitest';
import { pathReader } from './path.js';

const pathOf = pathReader(['/v1/chat/completions', '/v1/models/:id{.+}', '/v1/health/x', '/health']);

test.each([
  ['/v1/chat/completions/', '/v1/chat/completions'],
  ['//v1//chat/completions', '/v1/chat/completions'],
  ['/v1/v1/chat/completions', '/v1/chat/completions'],
  ['/chat/completions', '/v1/chat/completions'],
  ['/models/a/b', '/v1/models/a/b'],
  ['/health', '/health'],
  ['/', '/'],
  ['/main.js', '/main.js'],
])('%s means %s', (given, meant) => {
  expect(pathOf(new Request(`http://localhost${given}`))).toBe(meant);
});
