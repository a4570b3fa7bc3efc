import { basename } from "node:path";
import { cast } from "../../onnx/operators.js";
import { type DType, fileTensor, input, type Value } from "../../onnx/value.js";
import type { TensorInfo } from "../checkpoint/safetensors.js";
import { type Checkpoint, requiredTensors } from "../checkpoint/weights.js";
import type { Precision } from "./precision.js";

const dtypes: Readonly<Record<string, DType>> = { F32: "float32", F16: "float16", BF16: "bfloat16" };

/** The checkpoint's tensors as frozen constants that lie in its files, computed with in `dtype`: a cast only where the file has another. */
export function frozenParameters(
  { tensors }: Pick<Checkpoint, "tensors">,
  dtype: Precision = "float32",
): (name: string) => Value {
  const values = new Map<string, Value>();
  return (name) => {
    let value = values.get(name);
    if (value === undefined) {
      value = cast(inFile(tensors.get(name)!, name), dtype);
      values.set(name, value);
    }
    return value;
  };
}

/** The checkpoint's tensors as graph inputs, for full training of small models. */
export function trainableParameters({ config }: Checkpoint): ReadonlyMap<string, Value> {
  return new Map([...requiredTensors(config)].map(([name, shape]) => [name, input(name, "float32", shape)]));
}

export function biasNames({ config }: Checkpoint): ReadonlySet<string> {
  return new Set([...requiredTensors(config).keys()].filter((name) => name.endsWith(".bias")));
}

function inFile({ dtype, shape, file, offset, bytes }: TensorInfo, name: string): Value {
  return fileTensor(name, dtypes[dtype]!, shape, { file: basename(file), offset, bytes });
}
