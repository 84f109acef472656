/**
 * The part of the ONNX file format that we write, as plain data, and its protobuf encoding.
 * Field numbers are those of the published onnx.proto3. Knows nothing about models; graph-builder.ts makes these.
 */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** onnx.TensorProto.DataType. */
export const ELEMENT_TYPES = { f32: 1, u8: 2, i8: 3, i32: 6, i64: 7, bool: 9, f16: 10 } as const;
export type ElementType = keyof typeof ELEMENT_TYPES;
export const ELEMENT_BYTES: Record<ElementType, number> = {
  f32: 4,
  u8: 1,
  i8: 1,
  i32: 4,
  i64: 8,
  bool: 1,
  f16: 2,
};

export type Attribute =
  | { readonly name: string; readonly float: number }
  | { readonly name: string; readonly int: number }
  | { readonly name: string; readonly ints: readonly number[] }
  | { readonly name: string; readonly text: string }
  | { readonly name: string; readonly graph: Graph };

export type Node = {
  readonly op: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly Attribute[];
};

/** A constant: small ones inline, weights at an offset of a file beside the model. */
export type Initializer = {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly data: Uint8Array | { readonly file: string; readonly offset: number; readonly bytes: number };
};

/** A graph input or output; a named dimension is one that changes from run to run. */
export type ValueInfo = {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly (number | string)[];
};

export type Graph = {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly initializers: readonly Initializer[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
};

/** Opsets our nodes are written against. */
const OPSETS = [
  { domain: '', version: 21 },
  { domain: 'com.microsoft', version: 1 },
] as const;
const IR_VERSION = 10;
const EXTERNAL = 1;
const ATTRIBUTE_TYPE = { float: 1, int: 2, text: 3, graph: 5, ints: 7 } as const;

/** @returns the bytes of a ModelProto. */
export function encodeModel(graph: Graph): Uint8Array<ArrayBuffer> {
  const w = new BinaryWriter();
  w.tag(1, WireType.Varint).int64(IR_VERSION);
  w.tag(2, WireType.LengthDelimited).string('kv-runahead');
  message(w, 7, (g) => writeGraph(g, graph));
  for (const opset of OPSETS) {
    message(w, 8, (o) => {
      o.tag(1, WireType.LengthDelimited).string(opset.domain);
      o.tag(2, WireType.Varint).int64(opset.version);
    });
  }
  return w.finish();
}

function writeGraph(w: BinaryWriter, graph: Graph): void {
  for (const node of graph.nodes) message(w, 1, (n) => writeNode(n, node));
  w.tag(2, WireType.LengthDelimited).string(graph.name);
  for (const tensor of graph.initializers) message(w, 5, (t) => writeInitializer(t, tensor));
  for (const value of graph.inputs) message(w, 11, (v) => writeValueInfo(v, value));
  for (const value of graph.outputs) message(w, 12, (v) => writeValueInfo(v, value));
}

function writeNode(w: BinaryWriter, node: Node): void {
  for (const name of node.inputs) w.tag(1, WireType.LengthDelimited).string(name);
  for (const name of node.outputs) w.tag(2, WireType.LengthDelimited).string(name);
  w.tag(3, WireType.LengthDelimited).string(`${node.op}:${node.outputs[0] ?? ''}`);
  w.tag(4, WireType.LengthDelimited).string(node.op);
  for (const attribute of node.attributes) message(w, 5, (a) => writeAttribute(a, attribute));
  w.tag(7, WireType.LengthDelimited).string(node.domain);
}

function writeAttribute(w: BinaryWriter, attribute: Attribute): void {
  w.tag(1, WireType.LengthDelimited).string(attribute.name);
  if ('float' in attribute) {
    w.tag(2, WireType.Bit32).float(attribute.float);
    w.tag(20, WireType.Varint).int32(ATTRIBUTE_TYPE.float);
  } else if ('int' in attribute) {
    w.tag(3, WireType.Varint).int64(attribute.int);
    w.tag(20, WireType.Varint).int32(ATTRIBUTE_TYPE.int);
  } else if ('text' in attribute) {
    w.tag(4, WireType.LengthDelimited).string(attribute.text);
    w.tag(20, WireType.Varint).int32(ATTRIBUTE_TYPE.text);
  } else if ('graph' in attribute) {
    message(w, 6, (g) => writeGraph(g, attribute.graph));
    w.tag(20, WireType.Varint).int32(ATTRIBUTE_TYPE.graph);
  } else {
    for (const value of attribute.ints) w.tag(8, WireType.Varint).int64(value);
    w.tag(20, WireType.Varint).int32(ATTRIBUTE_TYPE.ints);
  }
}

function writeInitializer(w: BinaryWriter, tensor: Initializer): void {
  for (const dim of tensor.dims) w.tag(1, WireType.Varint).int64(dim);
  w.tag(2, WireType.Varint).int32(ELEMENT_TYPES[tensor.type]);
  w.tag(8, WireType.LengthDelimited).string(tensor.name);
  if (tensor.data instanceof Uint8Array) {
    w.tag(9, WireType.LengthDelimited).bytes(tensor.data);
    return;
  }
  const { file, offset, bytes } = tensor.data;
  for (const [key, value] of Object.entries({ location: file, offset: `${offset}`, length: `${bytes}` })) {
    message(w, 13, (e) => {
      e.tag(1, WireType.LengthDelimited).string(key);
      e.tag(2, WireType.LengthDelimited).string(value);
    });
  }
  w.tag(14, WireType.Varint).int32(EXTERNAL);
}

function writeValueInfo(w: BinaryWriter, value: ValueInfo): void {
  w.tag(1, WireType.LengthDelimited).string(value.name);
  message(w, 2, (type) =>
    message(type, 1, (tensor) => {
      tensor.tag(1, WireType.Varint).int32(ELEMENT_TYPES[value.type]);
      message(tensor, 2, (shape) => {
        for (const dim of value.dims) {
          message(shape, 1, (d) => {
            if (typeof dim === 'number') d.tag(1, WireType.Varint).int64(dim);
            else d.tag(2, WireType.LengthDelimited).string(dim);
          });
        }
      });
    }),
  );
}

function message(w: BinaryWriter, field: number, body: (w: BinaryWriter) => void): void {
  w.tag(field, WireType.LengthDelimited).fork();
  body(w);
  w.join();
}
