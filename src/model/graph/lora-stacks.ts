import type { Dim } from "../../onnx/dimension.js";
import type { LoraPair } from "../checkpoint/adapter-files.js";
import type { DecoderConfig } from "../checkpoint/config.js";
import { requiredTensors } from "../checkpoint/weights.js";

export interface AdaptedLayer {
  /** Such as "model.layers.0.mlp.up_proj". */
  readonly name: string;
  readonly into: number;
  readonly out: number;
}

/** The linear layers that carry an adapter: all seven of each block, with their sizes. */
export function adaptedLayers(config: DecoderConfig): AdaptedLayer[] {
  const layers = [];
  for (const [name, shape] of requiredTensors(config)) {
    if (!/_proj\.weight$/.test(name)) continue;
    layers.push({ name: name.replace(/\.weight$/, ""), into: shape[1]!, out: shape[0]! });
  }
  return layers;
}

/** Linear layers of one kind in blocks that follow each other, whose adapters are stacked. */
export interface LoraStack {
  /** Such as "model.layers.0-7.mlp.up_proj". */
  readonly name: string;
  /** The layers' names, in the order of their blocks. */
  readonly layers: readonly string[];
  readonly into: number;
  readonly out: number;
}

/**
 * A graph's input and its gradient cost a GPU's host about as much as a kernel each, whatever their size: an adapter goes there and back in a
 * few stacks. With eight blocks they are still small enough to be shared evenly among the optimizer's threads.
 */
const BLOCKS_PER_STACK = 8;

export function loraStacks(config: DecoderConfig): LoraStack[] {
  const stacks = new Map<string, AdaptedLayer[]>();
  for (const layer of adaptedLayers(config)) {
    const [, block, kind] = /^model\.layers\.(\d+)\.(.+)$/.exec(layer.name)!;
    const first = Number(block) - (Number(block) % BLOCKS_PER_STACK);
    const last = Math.min(config.layers, first + BLOCKS_PER_STACK) - 1;
    const name = `model.layers.${first}-${last}.${kind}`;
    stacks.set(name, [...(stacks.get(name) ?? []), layer]);
  }
  return [...stacks].map(([name, layers]) => {
    const { into, out } = layers[0]!;
    return { name, layers: layers.map((layer) => layer.name), into, out };
  });
}

/** A [layers, rank, in] and B [layers, out, rank] of a stack, each with its name as a graph's input. */
export function stackedTensors<Rank extends Dim>({ name, layers, into, out }: LoraStack, rank: Rank) {
  return {
    A: { name: `${name}.lora_A`, shape: [layers.length, rank, into] },
    B: { name: `${name}.lora_B`, shape: [layers.length, out, rank] },
  } as const;
}

/** A and B of each layer, as views of the stacks that `tensor` gives by name. */
export function unstackLora(config: DecoderConfig, tensor: (name: string) => Float32Array): Map<string, LoraPair> {
  const pairs = new Map<string, LoraPair>();
  for (const stack of loraStacks(config)) {
    const { layers } = stack;
    const named = stackedTensors(stack, "rank");
    const [A, B] = [tensor(named.A.name), tensor(named.B.name)];
    const share = (whole: Float32Array, i: number) => {
      const size = whole.length / layers.length;
      return whole.subarray(i * size, (i + 1) * size);
    };
    for (const [i, layer] of layers.entries()) pairs.set(layer, { A: share(A, i), B: share(B, i) });
  }
  return pairs;
}
