import { emitModel } from "../../src/onnx/emit.js";
import { type HostTensor, Session, type SessionOptions } from "../../src/onnx/session.js";
import { type DType, encode, inputName, type Value } from "../../src/onnx/value.js";

export interface Result {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export const tensor = (dtype: DType, shape: readonly number[], data: readonly number[]): HostTensor => ({
  dtype,
  shape,
  data: encode(data, dtype),
});

/** Compiles the graph, runs it once on [input, its tensor] pairs, and releases it. */
export async function runGraph(
  feeds: readonly (readonly [Value, HostTensor])[],
  outputs: Readonly<Record<string, Value>>,
  options: SessionOptions = {},
): Promise<Record<string, Result>> {
  const model = emitModel({ inputs: feeds.map(([value]) => value), outputs });
  const session = await Session.create(model, { threads: 1, ...options });
  try {
    const named = feeds.map(([value, data]) => [inputName(value), data]);
    const results = await session.run(Object.fromEntries(named));
    return Object.fromEntries(
      Object.entries(results).map(([name, { dtype, shape, data }]) => [
        name,
        { dtype, shape, data: Array.from(data as Iterable<number | bigint>, Number) },
      ]),
    );
  } finally {
    await session.release();
  }
}
