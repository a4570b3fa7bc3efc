import { bfloat16Bits, float16Bits } from "../half.js";
import { canonical, type Shape } from "./dimension.js";
import type { OpAttributes, OpName } from "./op.js";

export type DType = "float32" | "float64" | "float16" | "bfloat16" | "int64" | "int32" | "bool";

export type ConstantData = Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array | Uint16Array;

/** Bytes of a tensor that lie in a file, such as a checkpoint's safetensors: never copied into JavaScript's heap. */
export interface FileRange {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
}

/** Where a value comes from. */
export type Source =
  | { readonly kind: "input"; readonly name: string }
  | { readonly kind: "constant"; readonly data: ConstantData }
  | { readonly kind: "file"; readonly name: string; readonly range: FileRange }
  | { readonly kind: "node"; readonly node: Node; readonly output: number };

/** A tensor in the graph. Values and nodes are immutable: a graph is whatever its outputs reach. */
export interface Value {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly source: Source;
}

export interface Node<K extends OpName = OpName> {
  readonly op: K;
  readonly inputs: readonly Value[];
  readonly attributes: OpAttributes[K];
  readonly outputs: readonly Value[];
}

export function input(name: string, dtype: DType, shape: Shape): Value {
  return { dtype, shape: shape.map(canonical), source: { kind: "input", name } };
}

/** Name of a graph input; "" of any other value. */
export const inputName = ({ source }: Value): string => (source.kind === "input" ? source.name : "");

export function fileTensor(name: string, dtype: DType, shape: Shape, range: FileRange): Value {
  return { dtype, shape, source: { kind: "file", name, range } };
}

export function constant(dtype: DType, shape: readonly number[], data: ConstantData): Value {
  return { dtype, shape, source: { kind: "constant", data } };
}

/** A rank-0 constant. */
export function scalar(value: number, dtype: DType): Value {
  return constant(dtype, [], encode([value], dtype));
}

export function int64s(values: readonly number[]): Value {
  return constant("int64", [values.length], encode(values, "int64"));
}

export function encode(values: readonly number[], dtype: DType): ConstantData {
  switch (dtype) {
    case "float32":
      return Float32Array.from(values);
    case "float64":
      return Float64Array.from(values);
    case "int64":
      return BigInt64Array.from(values, (v) => BigInt(v));
    case "int32":
      return Int32Array.from(values);
    case "bool":
      return Uint8Array.from(values);
    case "bfloat16":
      return Uint16Array.from(values, bfloat16Bits);
    case "float16":
      return Uint16Array.from(values, float16Bits);
    default:
      return dtype satisfies never;
  }
}
