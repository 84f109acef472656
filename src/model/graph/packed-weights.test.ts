import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { expect, test } from 'vitest';
import { alignPacked } from './packed-weights.js';

const PAGE = 4096;

/** A ModelProto with one initializer that has these external data entries, and a field on every level beside. */
function modelWith(entries: Record<string, string>): Uint8Array {
  const tensor = new BinaryWriter().tag(8, WireType.LengthDelimited).string('w');
  for (const [key, value] of Object.entries(entries)) {
    tensor.tag(13, WireType.LengthDelimited).fork();
    tensor.tag(1, WireType.LengthDelimited).string(key).tag(2, WireType.LengthDelimited).string(value);
    tensor.join();
  }
  tensor.tag(14, WireType.Varint).int32(1);
  const graph = new BinaryWriter().tag(2, WireType.LengthDelimited).string('graph');
  graph.tag(5, WireType.LengthDelimited).bytes(tensor.finish());
  const model = new BinaryWriter().tag(1, WireType.Varint).int64(10);
  model.tag(7, WireType.LengthDelimited).bytes(graph.finish());
  return model.tag(2, WireType.LengthDelimited).string('after').finish();
}

test('packed weights within a page are moved to one of their own; nothing else changes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kvr-align-'));
  try {
    const path = join(folder, 'graph.onnx');
    const location = { location: 'graph.onnx.bin', offset: '0', length: '5' };
    const before = { ...location, prepacked_0: `MatMul+1|${PAGE};6;0|5;4;0`, prepacked_1: 'Other+2|9;3;0' };
    writeFileSync(path, modelWith(before));
    const bytes = Buffer.alloc(PAGE + 6);
    bytes.write('plain1234abc', 0);
    bytes.write('packed', PAGE);
    writeFileSync(`${path}.bin`, bytes);
    await alignPacked(path);
    const after = {
      ...location,
      prepacked_0: `MatMul+1|${PAGE};6;0|${2 * PAGE};4;0`,
      prepacked_1: `Other+2|${3 * PAGE};3;0`,
    };
    expect(Buffer.from(modelWith(after)).equals(readFileSync(path))).toBe(true);
    const moved = readFileSync(`${path}.bin`, 'latin1');
    const texts = [moved.slice(0, 12), moved.slice(PAGE, PAGE + 6), moved.slice(2 * PAGE, 2 * PAGE + 4)];
    expect([...texts, moved.slice(3 * PAGE)]).toEqual(['plain1234abc', 'packed', '1234', 'abc']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
