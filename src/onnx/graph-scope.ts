import { EngineError } from "../errors.js";
import type { Device } from "./device.js";
import { type Dim, parseDim, parseShare, type Shape } from "./dimension.js";
import { fuseNorms } from "./fuse.js";
import { type Attributes, lowerings, type Scope } from "./lower.js";
import type { OpName } from "./op.js";
import { captures } from "./order.js";
import * as proto from "./proto.js";
import { constant, type DType, encode, type Node, type Value } from "./value.js";

export class NameSource {
  private count = 0;
  fresh(): string {
    return `v${this.count++}`;
  }
}

/** One ONNX graph in the making: the model's, or a loop body's inside its parent. */
export class GraphScope implements Scope {
  private readonly names = new Map<Value, string>();
  private readonly cached = new Map<string, string>();
  /** Named dimension to the input and axis that it can be read from. */
  private readonly extents = new Map<string, { readonly name: string; readonly axis: number }>();
  private readonly encodedNodes: proto.Encoded[] = [];
  private readonly initializers: proto.Encoded[] = [];
  private readonly inputs: proto.Encoded[] = [];
  private readonly outputs: proto.Encoded[] = [];
  private readonly values: proto.Encoded[] = [];

  constructor(
    private readonly source: NameSource,
    private readonly parent: GraphScope | undefined,
    readonly device: Device,
  ) {}

  declareInput(value: Value, name: string): void {
    // A loop's state may change its shape from trip to trip: its declaration leaves the shape open, named dimensions still work.
    this.inputs.push(proto.valueInfoProto(name, value.dtype, value.shape));
    this.knowInput(value, name);
  }

  /** An input that this graph or one around it declares. */
  knowInput(value: Value, name: string): void {
    this.names.set(value, name);
    value.shape.forEach((dim, axis) => {
      if (typeof dim === "string" && /^\w+$/.test(dim) && !this.extents.has(dim)) this.extents.set(dim, { name, axis });
    });
  }

  declareOutput(name: string, value: Value): void {
    this.node("Identity", [this.name(value)], {}, name);
    this.outputs.push(proto.valueInfoProto(name, value.dtype, value.shape));
  }

  /** A bool input of rank 0. */
  declareSwitch(name: string): string {
    this.inputs.push(proto.valueInfoProto(name, "bool", []));
    return name;
  }

  /** An output that a node of this graph has written by that name; its shape is the value's or a placeholder's, of the same rank. */
  declareResult(name: string, { dtype, shape }: Value): void {
    this.outputs.push(
      proto.valueInfoProto(
        name,
        dtype,
        shape.map((_, axis) => `${name} ${axis}`),
      ),
    );
  }

  /** A graph inside this one. */
  branch(): GraphScope {
    return new GraphScope(this.source, this, this.device);
  }

  knows(value: Value): boolean {
    return this.names.has(value);
  }

  emitNodes(nodes: readonly Node[]): void {
    for (const node of fuseNorms(nodes, this.device)) {
      const outputs = node.outputs.map((value) => {
        const name = this.source.fresh();
        this.names.set(value, name);
        // The runtime reuses a buffer only where it knows that shapes are equal, and its planning slows down with every buffer that it cannot reuse.
        this.values.push(proto.valueInfoProto(name, value.dtype, value.shape));
        return name;
      });
      const inputs = node.inputs.map((value) => this.name(value));
      // The mapped type ties each lowering to its node; TypeScript cannot follow the correlation through a union.
      const lowering = lowerings[node.op] as (scope: Scope, x: string[], y: string[], node: Node<OpName>) => void;
      lowering(this, inputs, outputs, node);
    }
  }

  finish(name: string): proto.Encoded {
    return proto.graphProto({
      name,
      nodes: this.encodedNodes,
      initializers: this.initializers,
      inputs: this.inputs,
      outputs: this.outputs,
      values: this.values,
    });
  }

  fresh(): string {
    return this.source.fresh();
  }

  node(type: string, inputs: readonly string[], attributes: Attributes = {}, output = this.source.fresh()): string {
    this.nodes(type, inputs, [output], attributes);
    return output;
  }

  nodes(type: string, inputs: readonly string[], outputs: readonly string[], attributes: Attributes = {}): void {
    const microsoft = "com.microsoft.";
    const domain = type.startsWith(microsoft) ? "com.microsoft" : "";
    this.encodedNodes.push(proto.nodeProto(type.replace(microsoft, ""), domain, inputs, outputs, attributes));
  }

  int64s(values: readonly number[]): string {
    return this.once(`int64s ${values.join(" ")}`, () =>
      this.initialize(constant("int64", [values.length], encode(values, "int64"))),
    );
  }

  scalar(value: number, dtype: DType): string {
    return this.once(`${dtype} ${value}`, () => this.initialize(constant(dtype, [], encode([value], dtype))));
  }

  vector(length: number, value: number, dtype: DType): string {
    const data = () => encode(new Array<number>(length).fill(value), dtype);
    return this.once(`${dtype} ${length} ${value}`, () => this.initialize(constant(dtype, [length], data())));
  }

  shape(shape: Shape): string {
    if (shape.every((dim) => typeof dim === "number")) return this.int64s(shape);
    const parts: string[] = [];
    let fixed: number[] = [];
    const flush = () => {
      if (fixed.length > 0) parts.push(this.int64s(fixed));
      fixed = [];
    };
    for (const dim of shape) {
      if (typeof dim === "number") fixed.push(dim);
      else {
        flush();
        parts.push(this.extent(dim));
      }
    }
    flush();
    if (parts.length === 1) return parts[0]!;
    return this.once(`shape ${shape.join(" ")}`, () => this.node("Concat", parts, { axis: { int: 0 } }));
  }

  loop(node: Node<"Loop">, inputs: readonly string[], outputs: readonly string[]): void {
    const { body } = node.attributes;
    const inner = this.branch();
    const proceed = this.source.fresh();
    inner.declareInput(body.iteration, this.source.fresh());
    inner.inputs.push(proto.valueInfoProto(proceed, "bool", []));
    for (const state of body.states) inner.declareInput(state, this.source.fresh());
    inner.emitNodes(captures(body).inside);
    for (const value of [body.proceed, ...body.nextStates, ...body.scans])
      inner.declareOutput(this.source.fresh(), value);
    const alwaysTrue = this.scalar(1, "bool");
    const graph = { body: { graph: inner.finish("body") } };
    this.nodes("Loop", [inputs[0]!, alwaysTrue, ...inputs.slice(1)], outputs, graph);
  }

  /** The value's name here or in a surrounding graph; constants are written where they are first met from outside. */
  private name(value: Value): string {
    const known = this.lookUp(value);
    if (known !== undefined) return known;
    if (value.source.kind === "constant" || value.source.kind === "file") return this.root().initialize(value);
    const what = value.source.kind === "input" ? `input "${value.source.name}"` : `a value of ${value.source.node.op}`;
    throw new EngineError({
      what: `${what} is used outside of where it is defined`,
      expected: "every graph input to be declared, and loop states to stay in their loop",
      remedy: "declare it with the model's inputs",
    });
  }

  private lookUp(value: Value): string | undefined {
    return this.names.get(value) ?? this.parent?.lookUp(value);
  }

  private root(): GraphScope {
    return this.parent?.root() ?? this;
  }

  private initialize(value: Value): string {
    const name = this.source.fresh();
    this.names.set(value, name);
    const shape = value.shape as readonly number[];
    if (value.source.kind === "constant") {
      this.initializers.push(proto.tensorProto(name, value.dtype, shape, value.source.data));
    } else if (value.source.kind === "file") {
      this.initializers.push(proto.externalTensorProto(name, value.dtype, shape, value.source.range));
    }
    return name;
  }

  private once(key: string, make: () => string): string {
    const known = this.cached.get(key);
    if (known !== undefined) return known;
    const name = make();
    this.cached.set(key, name);
    return name;
  }

  /** A dimension's extent as an int64 tensor of one element, read from an input's shape when the graph runs. */
  private extent(dim: Dim): string {
    if (typeof dim === "number") return this.int64s([dim]);
    const at = this.extents.get(dim);
    if (at !== undefined) {
      return this.once(`extent ${dim}`, () =>
        this.node("Shape", [at.name], { start: { int: at.axis }, end: { int: at.axis + 1 } }),
      );
    }
    if (/^\w+$/.test(dim)) {
      if (this.parent !== undefined) return this.parent.extent(dim);
      throw new EngineError({
        what: `dimension "${dim}" cannot be read from any input`,
        expected: "an input with that axis",
        remedy: "give one of the model's inputs this dimension",
      });
    }
    const share = parseShare(dim);
    if (share !== undefined) return this.shareExtent(dim, share);
    return this.once(`extent ${dim}`, () => {
      const terms = [...parseDim(dim)].map(([monomial, coefficient]) => {
        const factors = monomial === "" ? [] : monomial.split("*").map((name) => this.extent(name));
        if (coefficient !== 1 || factors.length === 0) factors.push(this.int64s([coefficient]));
        return factors.reduce((a, b) => this.node("Mul", [a, b]));
      });
      return terms.reduce((a, b) => this.node("Add", [a, b]));
    });
  }

  /** ⌊whole · (index + 1) / count⌋ − ⌊whole · index / count⌋ */
  private shareExtent(dim: string, { whole, index, count }: NonNullable<ReturnType<typeof parseShare>>): string {
    const upTo = (end: number) =>
      this.once(`extent ${whole} up to ${end}/${count}`, () =>
        this.node("Div", [this.node("Mul", [this.extent(whole), this.int64s([end])]), this.int64s([count])]),
      );
    return this.once(`extent ${dim}`, () => this.node("Sub", [upTo(index + 1), upTo(index)]));
  }
}
