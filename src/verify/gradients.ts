import { GRADIENT_PREFIX } from "../model/graph/policy-graph.js";
import type { HostTensor } from "../onnx/session.js";
import { type Bounds, type Check, compare } from "./check.js";
import { directionError, worst } from "./difference.js";

/** The worst of all gradients that a graph gave, by size and by direction. */
export function* compareGradients(
  folder: string,
  name: string,
  results: Readonly<Record<string, HostTensor>>,
  wanted: ReadonlyMap<string, Float32Array>,
  bounds: Bounds,
): Generator<Check> {
  const errors = [...wanted].map(([at, values]) => {
    const gradient = results[`${GRADIENT_PREFIX}${at}`]!.data as Float32Array;
    return { at, ...directionError(gradient, values) };
  });
  const relative = worst(errors, (error) => error.relative);
  const angle = worst(errors, (error) => error.angle);
  yield compare(folder, `${name}: gradients, relative error`, relative.error, bounds.gradient, relative.item?.at);
  yield compare(folder, `${name}: gradients, 1 − cosine`, angle.error, bounds.gradientCosine, angle.item?.at);
}
