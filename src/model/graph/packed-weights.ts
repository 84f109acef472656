/**
 * Repairs where onnxruntime puts weights that it packed and saved beside a graph. Its block kernels take packed weights
 * from the next multiple of 64 bytes on, but blobs under 1 MiB are saved wherever the one before ends (1.30): read back,
 * they are off by some bytes, and products are wrong or NaN. Called by runtime/ after it had a graph packed.
 */
import { open, readFile, writeFile } from 'node:fs/promises';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { writeAll } from './weight-file.js';

/** A page: what is mapped begins where it lies. */
const ALIGNMENT_BYTES = 4096;
/** ModelProto.graph, GraphProto.initializer, TensorProto.external_data. */
const EXTERNAL_DATA = [7, 5, 13];
const PACKED_KEY = 'prepacked';

type Move = { readonly from: number; readonly to: number; readonly bytes: number };

/** Moves packed weights of `<path>.bin` that do not begin at a page to its end, to where one begins. */
export async function alignPacked(path: string): Promise<void> {
  const file = await open(`${path}.bin`, 'r+');
  try {
    let end = (await file.stat()).size;
    const moves: Move[] = [];
    const place = (from: number, bytes: number): number => {
      if (from % ALIGNMENT_BYTES === 0) return from;
      const to = Math.ceil(end / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
      moves.push({ from, to, bytes });
      end = to + bytes;
      return to;
    };
    const model = changed(await readFile(path), EXTERNAL_DATA, (entry) => placed(entry, place));
    for (const { from, to, bytes } of moves) {
      const { buffer } = await file.read(Buffer.alloc(bytes), 0, bytes, from);
      await writeAll(file, buffer, to);
    }
    await writeFile(path, model);
  } finally {
    await file.close();
  }
}

/** A message with the parts at `fields`, outermost first, put through `change`; all else stays as it is. */
function changed(
  message: Uint8Array,
  fields: readonly number[],
  change: (part: Uint8Array) => Uint8Array,
): Uint8Array {
  const [first, ...rest] = fields;
  if (first === undefined) return change(message);
  const reader = new BinaryReader(message);
  const writer = new BinaryWriter();
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [field, type] = reader.tag();
    if (field === first) writer.tag(field, type).bytes(changed(reader.bytes(), rest, change));
    else {
      reader.skip(type, field);
      writer.raw(message.subarray(start, reader.pos));
    }
  }
  return writer.finish();
}

/** A StringStringEntryProto; those of packed weights read "key|offset;bytes;checksum|…", a part for each blob. */
function placed(entry: Uint8Array, place: (offset: number, bytes: number) => number): Uint8Array {
  const { key, value } = readEntry(entry);
  if (!key.startsWith(PACKED_KEY)) return entry;
  const [hash, ...blobs] = value.split('|');
  const moved = blobs.map((blob) => {
    const [offset, bytes, ...others] = blob.split(';');
    return [place(Number(offset), Number(bytes)), bytes, ...others].join(';');
  });
  const writer = new BinaryWriter().tag(1, WireType.LengthDelimited).string(key);
  return writer
    .tag(2, WireType.LengthDelimited)
    .string([hash, ...moved].join('|'))
    .finish();
}

function readEntry(entry: Uint8Array): { key: string; value: string } {
  const reader = new BinaryReader(entry);
  const found = { key: '', value: '' };
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1) found.key = reader.string();
    else if (field === 2) found.value = reader.string();
    else reader.skip(type, field);
  }
  return found;
}
