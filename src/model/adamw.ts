export interface AdamWOptions {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Gradients with a larger global L2 norm are scaled down to this one; Infinity turns that off. */
  readonly maxGradientNorm: number;
}

/** Betas and epsilon as in PyTorch; no decay, as is usual for adapters. */
export const adamWDefaults: AdamWOptions = {
  learningRate: 1e-4,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0,
  maxGradientNorm: 1,
};

/** First and second moments of each parameter, by name, and the number of steps taken. */
export interface AdamWState {
  step: number;
  readonly first: Map<string, Float32Array>;
  readonly second: Map<string, Float32Array>;
}

export function adamWState(parameters: ReadonlyMap<string, Float32Array>): AdamWState {
  const zeros = () => new Map([...parameters].map(([name, values]) => [name, new Float32Array(values.length)]));
  return { step: 0, first: zeros(), second: zeros() };
}

/** √Σ g² over all tensors, summed in float64. */
export function globalNorm(gradients: Iterable<Float32Array>): number {
  let sum = 0;
  // Millions of numbers: by index, which is several times faster than iterating.
  for (const values of gradients) for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return Math.sqrt(sum);
}

/**
 * One step of AdamW (Loshchilov and Hutter 2019, algorithm 2, as in torch.optim.AdamW), in place. Returns the norm before clipping, which a
 * caller that has it already may pass.
 */
export function adamWStep(
  parameters: ReadonlyMap<string, Float32Array>,
  gradients: ReadonlyMap<string, Float32Array>,
  state: AdamWState,
  { learningRate, beta1, beta2, epsilon, weightDecay, maxGradientNorm }: AdamWOptions,
  norm = globalNorm(gradients.values()),
): number {
  // As torch.nn.utils.clip_grad_norm_ does it.
  const scale = Math.min(1, maxGradientNorm / (norm + 1e-6));
  state.step += 1;
  // Millions of numbers: what is the same for all of them is multiplied before, which leaves one division for each.
  const rootCorrection = Math.sqrt(1 - beta2 ** state.step);
  const stepSize = (learningRate * rootCorrection) / (1 - beta1 ** state.step);
  const correctedEpsilon = epsilon * rootCorrection;
  const [ofGradient, ofSquare] = [(1 - beta1) * scale, (1 - beta2) * scale * scale];
  // PyTorch multiplies float32 parameters by a float32 factor; its rounding would add up over the steps.
  const decay = Math.fround(1 - learningRate * weightDecay);
  for (const [name, values] of parameters) {
    const gradient = gradients.get(name)!;
    const first = state.first.get(name)!;
    const second = state.second.get(name)!;
    for (let i = 0; i < values.length; i++) {
      const g = gradient[i]!;
      const m = beta1 * first[i]! + ofGradient * g;
      const v = beta2 * second[i]! + ofSquare * g * g;
      first[i] = m;
      second[i] = v;
      values[i] = Math.fround(values[i]! * decay) - (stepSize * m) / (Math.sqrt(v) + correctedEpsilon);
    }
  }
  return norm;
}
