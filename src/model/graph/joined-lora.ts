import type { Dim } from "../../onnx/dimension.js";
import { gatedWithGradient } from "../../onnx/gated.js";
import { gradient } from "../../onnx/gradient.js";
import * as o from "../../onnx/operators.js";
import { scalar, type Value } from "../../onnx/value.js";
import type { DecoderParameters } from "./decoder.js";
import { EXTRA_COLUMNS, extraRow, spread } from "./extra-columns.js";
import type { LoraLayers } from "./lora-inputs.js";
import type { Precision } from "./precision.js";

/** The adapter of layers that share their input, as the products take it. */
interface Joined {
  /** A of each layer, one below the other: [layers · rank, in]. */
  readonly into: Value;
  /** alpha / rank · B of each layer: [out, rank]. */
  readonly outOf: readonly Value[];
}

/**
 * Low-rank adaptation for devices whose time goes by launches and by passes over activations. Layers that share an input x become
 * y = [x, x Aᵀ, 1] [W, B, b]ᵀ: one product each, which adapter and bias ride along in as a few more columns of its inner axis, instead of
 * products and sums as wide as y. The widened weights are written once per run, for which `factored` is better where weights are packed.
 */
export function joined(
  tensor: (name: string) => Value,
  lora: LoraLayers,
  biases: ReadonlySet<string>,
  dtype: Precision,
): DecoderParameters {
  const one = o.cast(extraRow(1), dtype);

  // Blocks of one size are one value, written once for all layers.
  const blocks = new Map<string, Value>();
  const zeros = (rows: Dim, columns: Dim) => {
    const key = `${rows} ${columns}`;
    const block = blocks.get(key) ?? o.expand(scalar(0, dtype), [rows, columns]);
    blocks.set(key, block);
    return block;
  };

  const join = (names: readonly string[]): Joined => {
    const pairs = names.map((name) => lora.pairs.get(name)!);
    const into = o.concat(
      pairs.map(({ a }) => a),
      0,
    );
    return { into, outOf: pairs.map(({ b }) => b) };
  };

  /** [W, 0, B, 0, b]: zeros stand against the low-rank images of the other layers. */
  const widened = (name: string, index: number, outOf: readonly Value[]) => {
    const weight = tensor(`${name}.weight`);
    const out = weight.shape[0]!;
    const bias = biases.has(`${name}.bias`)
      ? [o.reshape(tensor(`${name}.bias`), [out, 1]), zeros(out, EXTRA_COLUMNS - 1)]
      : [zeros(out, EXTRA_COLUMNS)];
    const adapters = outOf.map((b, i) => (i === index ? b : zeros(out, b.shape[1]!)));
    return o.concat([weight, ...adapters, ...bias], 1);
  };

  return {
    dtype,
    tensor,
    linears: (source, names, norm) => {
      const { into, outOf } = join(names);
      const x = norm === undefined ? source : norm(source);
      const weights = names.map((name, i) => widened(name, i, outOf));
      const low = o.matmul(x, into, { transposeB: true });
      const input = o.concat([x, low, spread(one, x)], 1);
      const outputs = weights.map((weight) => o.matmul(input, weight, { transposeB: true }));
      return o.customGradient([source, into, ...outOf], outputs, (_, __, gradients) => {
        const known = gradients.flatMap((g, i) => (g === undefined ? [] : [{ g, weight: weights[i]! }]));
        if (known.length === 0) return [];
        const wide = known.map(({ g, weight }) => o.matmul(g, weight)).reduce((sum, part) => o.add(part, sum));
        const sizes = [x.shape[1]!, into.shape[0]!, EXTRA_COLUMNS];
        const [direct, onLow] = o.split(wide, sizes, 1);
        const lows = o.split(
          low,
          outOf.map((b) => b.shape[1]!),
          1,
        );
        const later = norm === undefined ? source : o.after(source, wide);
        const again = norm === undefined ? later : norm(later);
        const adapter = [
          o.matmul(onLow!, again, { transposeA: true }),
          ...gradients.map((g, i) => (g === undefined ? undefined : o.matmul(g, lows[i]!, { transposeA: true }))),
        ];
        const onInput = o.add(o.matmul(onLow!, into), direct!);
        return [gradient(again, [later], orderedAfter(onInput, adapter))[0], ...adapter];
      });
    },
    // The input is the wide side here: its gradient, not its value, comes from one product of widened factors.
    gatedLinear: (gate, up, name) => {
      const { into, outOf } = join([name]);
      const outOfRows = o.transpose(outOf[0]!, [1, 0]);
      const weight = tensor(`${name}.weight`);
      const x = o.gated(gate, up);
      const low = o.matmul(x, into, { transposeB: true });
      const sum = o.add(o.matmul(low, outOfRows), o.matmul(x, weight, { transposeB: true }));
      const bias = `${name}.bias`;
      const output = biases.has(bias) ? o.add(sum, tensor(bias)) : sum;
      return o.customGradient([gate, up, into, outOfRows], [output], (_, __, [g]) => {
        if (g === undefined) return [];
        const again = gatedWithGradient(o.after(gate, g), o.after(up, g));
        const onLow = o.matmul(g, outOfRows, { transposeB: true });
        const onInput = o.matmul(o.concat([g, onLow], 1), o.concat([weight, into], 0));
        const adapter = [o.matmul(onLow, again.value, { transposeA: true }), o.matmul(low, g, { transposeA: true })];
        return [...again.gradients(orderedAfter(onInput, adapter)), ...adapter];
      })[0]!;
    },
  };
}

/**
 * A layer's gradient, to be used once those of its adapter are there: they wait for the rest of their stack otherwise, and hold the wide
 * activations that they are made of.
 */
const orderedAfter = (x: Value, signals: readonly (Value | undefined)[]): Value =>
  signals.reduce<Value>((held, signal) => (signal === undefined ? held : o.after(held, signal)), x);
