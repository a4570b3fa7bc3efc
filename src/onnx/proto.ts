import protobuf from "protobufjs/minimal.js";
import type { Shape } from "./dimension.js";
import type { ConstantData, DType, FileRange } from "./value.js";

/** Encodes the parts of onnx.proto3 that the compiler uses. Field numbers are those of the ONNX specification. */

export type Encoded = Uint8Array;

export type AttributeValue =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly ints: readonly number[] }
  | { readonly graph: Encoded };

/** TensorProto.DataType. */
export const dataTypes: { readonly [K in DType]: number } = {
  float32: 1,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
};

const attributeTypes = { float: 1, int: 2, string: 3, graph: 5, ints: 7 } as const;

class Message {
  private readonly writer = protobuf.Writer.create();

  int(field: number, value: number): this {
    this.writer.uint32(field << 3).int64(value);
    return this;
  }
  float(field: number, value: number): this {
    this.writer.uint32((field << 3) | 5).float(value);
    return this;
  }
  bytes(field: number, value: Uint8Array): this {
    this.writer.uint32((field << 3) | 2).bytes(value);
    return this;
  }
  string(field: number, value: string): this {
    this.writer.uint32((field << 3) | 2).string(value);
    return this;
  }
  messages(field: number, values: readonly Encoded[]): this {
    for (const value of values) this.bytes(field, value);
    return this;
  }
  strings(field: number, values: readonly string[]): this {
    for (const value of values) this.string(field, value);
    return this;
  }
  finish(): Encoded {
    return this.writer.finish();
  }
}

function attributeProto(name: string, value: AttributeValue): Encoded {
  const message = new Message().string(1, name);
  if ("int" in value) return message.int(3, value.int).int(20, attributeTypes.int).finish();
  if ("float" in value) return message.float(2, value.float).int(20, attributeTypes.float).finish();
  if ("string" in value) return message.string(4, value.string).int(20, attributeTypes.string).finish();
  if ("graph" in value) return message.bytes(6, value.graph).int(20, attributeTypes.graph).finish();
  for (const int of value.ints) message.int(8, int);
  return message.int(20, attributeTypes.ints).finish();
}

export function nodeProto(
  type: string,
  domain: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>>,
): Encoded {
  return new Message()
    .strings(1, inputs)
    .strings(2, outputs)
    .string(3, `${type}/${outputs[0]}`)
    .string(4, type)
    .messages(
      5,
      Object.entries(attributes).map(([name, value]) => attributeProto(name, value)),
    )
    .string(7, domain)
    .finish();
}

export function tensorProto(name: string, dtype: DType, shape: readonly number[], data: ConstantData): Encoded {
  const message = new Message();
  for (const dim of shape) message.int(1, dim);
  return message
    .int(2, dataTypes[dtype])
    .string(8, name)
    .bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .finish();
}

export function externalTensorProto(name: string, dtype: DType, shape: readonly number[], range: FileRange): Encoded {
  const message = new Message();
  for (const dim of shape) message.int(1, dim);
  const entries = { location: range.file, offset: String(range.offset), length: String(range.bytes) };
  return message
    .int(2, dataTypes[dtype])
    .string(8, name)
    .messages(
      13,
      Object.entries(entries).map(([key, value]) => new Message().string(1, key).string(2, value).finish()),
    )
    .int(14, 1)
    .finish();
}

/** A named input or output; dimensions that are not plain numbers stay open. */
export function valueInfoProto(name: string, dtype: DType, shape: Shape): Encoded {
  const dims = shape.map((dim) =>
    typeof dim === "number" ? new Message().int(1, dim).finish() : new Message().string(2, dim).finish(),
  );
  const tensor = new Message().int(1, dataTypes[dtype]).bytes(2, new Message().messages(1, dims).finish()).finish();
  return new Message().string(1, name).bytes(2, new Message().bytes(1, tensor).finish()).finish();
}

export interface GraphParts {
  readonly name: string;
  readonly nodes: readonly Encoded[];
  readonly initializers: readonly Encoded[];
  readonly inputs: readonly Encoded[];
  readonly outputs: readonly Encoded[];
  /** Types and shapes of values between nodes. */
  readonly values: readonly Encoded[];
}

export function graphProto({ name, nodes, initializers, inputs, outputs, values }: GraphParts): Encoded {
  return new Message()
    .messages(1, nodes)
    .string(2, name)
    .messages(5, initializers)
    .messages(11, inputs)
    .messages(12, outputs)
    .messages(13, values)
    .finish();
}

export function modelProto(graph: Encoded): Encoded {
  const opset = (domain: string, version: number) => new Message().string(1, domain).int(2, version).finish();
  return new Message()
    .int(1, 10)
    .string(2, "langgraph-memory-r1")
    .bytes(7, graph)
    .messages(8, [opset("", 23), opset("com.microsoft", 1)])
    .finish();
}
