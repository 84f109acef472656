import { expect, test } from 'vitest';
import { KvrError } from '../../core/errors.js';
import { parseWorkerSettings, type WorkerSettings, workerSettingsSchema } from './settings.js';

const SETTINGS: WorkerSettings = {
  ...{ worker: 'a', listen: 'unix:/tmp/a', compiledFolder: '/tmp/m', threads: 1, decodeThreads: 2 },
  ...{ chunkTokens: 512, kvBytesLimit: 1e9, prefixCacheBytes: 0, followsStdin: true },
};

function messageOf(text: string | undefined): string {
  try {
    parseWorkerSettings(text);
  } catch (error) {
    if (error instanceof KvrError && error.code === 'BAD_INPUT') return error.message;
  }
  throw new Error('the settings were taken');
}

test('sound settings are taken as they are', () => {
  expect(parseWorkerSettings(JSON.stringify(SETTINGS))).toEqual(SETTINGS);
});

test.each(Object.keys(workerSettingsSchema.shape))(
  'a wrong %s is told in one line that names it',
  (field) => {
    const message = messageOf(JSON.stringify({ ...SETTINGS, [field]: [] }));
    expect(message).toMatch(
      new RegExp(`^worker settings are not valid \\(${field}[^[\\n]*\\); workers are started by kvr$`),
    );
  },
);

test.each([
  [undefined, 'there are none'],
  ['', 'no JSON'],
  ['{"worker": ', 'no JSON'],
  ['7', 'expected object'],
])('%s is told in one line', (text, reason) => {
  expect(messageOf(text)).toContain(reason);
  expect(messageOf(text)).not.toMatch(/\n|"code"/);
});
