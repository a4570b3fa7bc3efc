import type { Device } from "./device.js";
import { sameShape } from "./dimension.js";
import { dependencies } from "./order.js";
import type { Node, Value } from "./value.js";

/**
 * Nodes in their order, with sums that are normalised at once as one kernel for both: a pass over the activations less. Only in 16 bits, where
 * the kernel is faster than the two by themselves on a GPU.
 */
export function fuseNorms(nodes: readonly Node[], device: Device): readonly Node[] {
  // Where 16 bits are checked by nothing.
  if (device === "webgpu") return nodes;
  const place = new Map(nodes.map((node, i) => [node, i]));
  const used = new Set(nodes.flatMap(dependencies));
  const fused = new Map<Node, Node>();
  const gone = new Set<Node>();
  for (const node of nodes) {
    const sum = node.op === "RmsNorm" && !used.has(node.outputs[1]!) ? sumIn16Bits(node.inputs[0]!) : undefined;
    if (sum === undefined || fused.has(sum) || !place.has(sum)) continue;
    const weight = node.inputs[1]!;
    // A weight that is cast after the sum is not there yet.
    if (weight.source.kind === "node" && place.get(weight.source.node)! > place.get(sum)!) continue;
    const inputs = [...sum.inputs, weight];
    const outputs = [node.outputs[0]!, sum.outputs[0]!];
    fused.set(sum, { op: "SkipRmsNorm", inputs, attributes: node.attributes, outputs } as Node);
    gone.add(node);
  }
  return nodes.flatMap((node) => (gone.has(node) ? [] : [fused.get(node) ?? node]));
}

/** The addition without broadcasting that gave the value, of as many axes as the kernel takes. */
function sumIn16Bits({ dtype, shape, source }: Value): Node | undefined {
  if (source.kind !== "node" || source.node.op !== "Add") return undefined;
  if ((dtype !== "bfloat16" && dtype !== "float16") || shape.length < 2 || shape.length > 3) return undefined;
  return source.node.inputs.every((x) => sameShape(x.shape, shape)) ? source.node : undefined;
}
