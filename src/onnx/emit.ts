import { EngineError } from "../errors.js";
import type { Device } from "./device.js";
import { printShape } from "./dimension.js";
import { GraphScope, NameSource } from "./graph-scope.js";
import { topologicalOrder } from "./order.js";
import * as proto from "./proto.js";
import { constant, inputName, type Node, type Value } from "./value.js";

export interface ModelDefinition {
  /** Graph inputs by `input(name, …)`; every input that the outputs reach must be here. */
  readonly inputs: readonly Value[];
  readonly outputs: Readonly<Record<string, Value>>;
}

/** The model as ONNX bytes, for a device. Tensors of files become external data: the file names are kept as they are in `FileRange`. */
export function emitModel({ inputs, outputs }: ModelDefinition, device: Device = "cpu"): Uint8Array {
  const scope = new GraphScope(new NameSource(), undefined, device);
  for (const x of inputs) scope.declareInput(x, inputName(x));
  scope.emitNodes(topologicalOrder(Object.values(outputs)));
  for (const [name, value] of Object.entries(outputs)) scope.declareOutput(name, value);
  return proto.modelProto(scope.finish("main"));
}

/** Name of the bool input that switches a program on. */
export const programSwitch = (program: string): string => `run:${program}`;
/** Name of a program's output among those of all. */
export const programOutput = (program: string, output: string): string => `${program}:${output}`;

/**
 * Several models in one graph that holds their weights once, each a branch that runs where its switch is true. Inputs of one name are one
 * input; what reads files and nothing else (casts of weights) stands outside of the branches. Outputs of a program that is off are empty of meaning.
 */
export function emitPrograms(programs: Readonly<Record<string, ModelDefinition>>, device: Device = "cpu"): Uint8Array {
  const root = new GraphScope(new NameSource(), undefined, device);
  const declared = new Map<string, Value>();
  for (const x of Object.values(programs).flatMap(({ inputs }) => inputs)) {
    const name = inputName(x);
    const first = declared.get(name);
    if (first === undefined) root.declareInput(x, name);
    else checkSame(name, first, x);
    declared.set(name, first ?? x);
  }
  for (const [program, { inputs, outputs }] of Object.entries(programs)) {
    const order = topologicalOrder(Object.values(outputs));
    const outside = order.filter(isCastOfFile);
    root.emitNodes(outside.filter((node) => !root.knows(node.outputs[0]!)));
    const on = root.branch();
    for (const x of inputs) on.knowInput(x, inputName(x));
    on.emitNodes(order.filter((node) => !isCastOfFile(node)));
    const off = root.branch();
    for (const value of Object.values(outputs)) {
      on.declareOutput(on.fresh(), value);
      off.declareOutput(off.fresh(), placeholder(value));
    }
    const names = Object.keys(outputs).map((name) => programOutput(program, name));
    const branches = { then_branch: { graph: on.finish("on") }, else_branch: { graph: off.finish("off") } };
    root.nodes("If", [root.declareSwitch(programSwitch(program))], names, branches);
    for (const [i, value] of Object.values(outputs).entries()) root.declareResult(names[i]!, value);
  }
  return proto.modelProto(root.finish("main"));
}

const isCastOfFile = ({ op, inputs }: Node): boolean => op === "Cast" && inputs[0]!.source.kind === "file";

const placeholders = new Map<string, Value>();

/** One element of the value's type and rank. */
function placeholder({ dtype, shape }: Value): Value {
  const key = `${dtype} ${shape.length}`;
  const known =
    placeholders.get(key) ?? constant(dtype, new Array<number>(shape.length).fill(1), new Uint8Array(bytesOf[dtype]));
  placeholders.set(key, known);
  return known;
}

const bytesOf = { float32: 4, float64: 8, int64: 8, int32: 4, bool: 1, float16: 2, bfloat16: 2 } as const;

function checkSame(name: string, a: Value, b: Value): void {
  if (a.dtype === b.dtype && printShape(a.shape) === printShape(b.shape)) return;
  throw new EngineError({
    what: `two programs disagree about input "${name}"`,
    expected: `${a.dtype}${printShape(a.shape)}`,
    found: `${b.dtype}${printShape(b.shape)}`,
    remedy: "give one of them another name",
  });
}
