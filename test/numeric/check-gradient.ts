import { type Dim, parseDim, type Shape } from "../../src/onnx/dimension.js";
import { emitModel } from "../../src/onnx/emit.js";
import { gradient } from "../../src/onnx/gradient.js";
import { type HostTensor, Session } from "../../src/onnx/session.js";
import { encode, input, type Value } from "../../src/onnx/value.js";

export interface InputSpec {
  /** "real" inputs are differentiated; the others only steer. */
  readonly kind: "real" | "int64" | "bool";
  readonly shape: Shape;
  readonly data: readonly number[];
}

export interface GradientCase {
  readonly title: string;
  readonly inputs: readonly InputSpec[];
  /** The graph of one output value; it must not fix the type of the real inputs. */
  readonly build: (...values: Value[]) => Value;
}

export interface Evaluated {
  readonly value: readonly number[];
  /** Of the output contracted with a fixed seed, one array for each real input. */
  readonly gradients: readonly (readonly number[])[];
}

export interface Comparison {
  /** Largest |found - expected| / (atol + rtol · |expected|): above 1 is wrong. */
  readonly error: number;
  readonly where: string;
}

export interface GradientCheck extends Comparison, Evaluated {
  /** Central differences, in the form of `gradients`. */
  readonly numeric: readonly (readonly number[])[];
}

/** Extents of the named dimensions that cases may use; all different, so that no two can be mistaken for each other. */
export const extents: Readonly<Record<string, number>> = { B: 2, T: 3, R: 4, G: 5 };

export function extentOf(dim: Dim): number {
  let total = 0;
  for (const [monomial, coefficient] of parseDim(dim)) {
    const names = monomial === "" ? [] : monomial.split("*");
    total += names.reduce((product, name) => product * extents[name]!, coefficient);
  }
  return total;
}

export const countOf = (shape: Shape): number => shape.reduce<number>((count, dim) => count * extentOf(dim), 1);

/** Distinct numbers, spread evenly over the interval (multiples of the golden ratio): no two of them tie. */
export function spread(count: number, low: number, high: number, start = 0): number[] {
  const golden = (Math.sqrt(5) - 1) / 2;
  return Array.from({ length: count }, (_, i) => low + (high - low) * (((i + 1 + start) * golden) % 1));
}

type Derive = (output: Value, sources: readonly Value[], seed: Value) => readonly (Value | undefined)[];
type RealType = "float64" | "float32";

class CompiledCase {
  private constructor(
    private readonly session: Session,
    private readonly specs: readonly InputSpec[],
    private readonly dtype: RealType,
    private readonly seed: HostTensor,
  ) {}

  static async create({ inputs, build }: GradientCase, dtype: RealType, derive: Derive): Promise<CompiledCase> {
    const values = inputs.map(({ kind, shape }, i) => input(`x${i}`, kind === "real" ? dtype : kind, shape));
    const output = build(...values);
    const seed = input("seed", dtype, output.shape);
    const sources = values.filter((_, i) => inputs[i]!.kind === "real");
    const gradients = derive(output, sources, seed);
    const outputs: Record<string, Value> = { value: output };
    sources.forEach((_, i) => {
      // A source that the output does not depend on has no gradient: the differences must then be zero.
      if (gradients[i] !== undefined) outputs[`gradient${i}`] = gradients[i];
    });
    const session = await Session.create(emitModel({ inputs: [...values, seed], outputs }), { threads: 1 });
    const weights = encode(spread(countOf(output.shape), 0.5, 1.5, 100), dtype);
    return new CompiledCase(session, inputs, dtype, {
      dtype,
      shape: output.shape.map(extentOf),
      data: weights,
    });
  }

  async run(data: readonly (readonly number[])[] = this.specs.map((spec) => spec.data)): Promise<Evaluated> {
    const feeds: Record<string, HostTensor> = { seed: this.seed };
    this.specs.forEach(({ kind, shape }, i) => {
      const dtype = kind === "real" ? this.dtype : kind;
      feeds[`x${i}`] = { dtype, shape: shape.map(extentOf), data: encode(data[i]!, dtype) };
    });
    const results = await this.session.run(feeds);
    const reals = this.specs.filter((spec) => spec.kind === "real");
    return {
      value: numbers(results.value!),
      gradients: reals.map(({ shape }, i) => {
        const found = results[`gradient${i}`];
        if (found === undefined) return Array<number>(countOf(shape)).fill(0);
        const expectedShape = shape.map(extentOf).join(", ");
        if (found.shape.join(", ") !== expectedShape) {
          throw new Error(`gradient of real input ${i} is [${found.shape.join(", ")}], not [${expectedShape}]`);
        }
        return numbers(found);
      }),
    };
  }

  /** The output contracted with the seed. */
  async loss(data: readonly (readonly number[])[]): Promise<number> {
    const { value } = await this.run(data);
    return value.reduce((sum, y, i) => sum + y * Number(this.seed.data[i]), 0);
  }

  release(): Promise<void> {
    return this.session.release();
  }
}

/** Value and gradients of the graph in the given precision. */
export async function evaluateCase(subject: GradientCase, dtype: RealType): Promise<Evaluated> {
  const compiled = await CompiledCase.create(subject, dtype, gradient);
  try {
    return await compiled.run();
  } finally {
    await compiled.release();
  }
}

/** Compares the gradients that `derive` builds with central differences in float64 (step 1e-6). */
export async function checkGradient(subject: GradientCase, derive: Derive = gradient): Promise<GradientCheck> {
  const step = 1e-6;
  const compiled = await CompiledCase.create(subject, "float64", derive);
  try {
    const { value, gradients } = await compiled.run();
    const numeric: number[][] = [];
    for (const [i, spec] of subject.inputs.entries()) {
      if (spec.kind !== "real") continue;
      const differences: number[] = [];
      for (let element = 0; element < spec.data.length; element++) {
        const lossAt = (shift: number) =>
          compiled.loss(subject.inputs.map((x, j) => (i === j ? shifted(x.data, element, shift) : x.data)));
        differences.push(((await lossAt(step)) - (await lossAt(-step))) / (2 * step));
      }
      numeric.push(differences);
    }
    return { value, gradients, numeric, ...compare(gradients, numeric) };
  } finally {
    await compiled.release();
  }
}

/** The worst element of several arrays. Not-a-number counts as infinitely wrong. */
export function compare(
  found: readonly (readonly number[])[],
  expected: readonly (readonly number[])[],
  { atol = 1e-5, rtol = 1e-3 } = {},
): Comparison {
  let worst: Comparison = { error: 0, where: "nowhere" };
  expected.forEach((row, i) => {
    row.forEach((y, j) => {
      const x = found[i]?.[j] ?? Number.NaN;
      const ratio = Math.abs(x - y) / (atol + rtol * Math.abs(y));
      const error = Number.isNaN(ratio) ? Number.POSITIVE_INFINITY : ratio;
      if (error > worst.error) worst = { error, where: `real input ${i}, element ${j}: found ${x}, expected ${y}` };
    });
  });
  return worst;
}

const numbers = (tensor: HostTensor): number[] => Array.from(tensor.data as Iterable<number | bigint>, Number);

const shifted = (data: readonly number[], element: number, shift: number): number[] =>
  data.map((x, i) => (i === element ? x + shift : x));
