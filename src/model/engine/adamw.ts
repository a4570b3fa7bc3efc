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

/** One parameter with its moments. */
export interface AdamWTensor {
  readonly values: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
}

/** What is the same for all numbers of one step. */
export interface AdamWFactors {
  readonly beta1: number;
  readonly beta2: number;
  readonly ofGradient: number;
  readonly ofSquare: number;
  readonly stepSize: number;
  readonly epsilon: number;
  readonly decay: number;
}

/** Factors of the step-th step, counted from 1, with a gradient of the given norm. */
export function adamWFactors(options: AdamWOptions, step: number, norm: number): AdamWFactors {
  const { learningRate, beta1, beta2, epsilon, weightDecay, maxGradientNorm } = options;
  // As torch.nn.utils.clip_grad_norm_ does it.
  const scale = Math.min(1, maxGradientNorm / (norm + 1e-6));
  const rootCorrection = Math.sqrt(1 - beta2 ** step);
  return {
    beta1,
    beta2,
    ofGradient: (1 - beta1) * scale,
    ofSquare: (1 - beta2) * scale * scale,
    // Bias corrections are multiplied before, which leaves one division for each number.
    stepSize: (learningRate * rootCorrection) / (1 - beta1 ** step),
    epsilon: epsilon * rootCorrection,
    // PyTorch multiplies float32 parameters by a float32 factor; its rounding would add up over the steps.
    decay: Math.fround(1 - learningRate * weightDecay),
  };
}

/** One step of AdamW (Loshchilov and Hutter 2019, algorithm 2, as in torch.optim.AdamW), in place. */
export function adamWStep({ values, first, second }: AdamWTensor, gradient: Float32Array, factors: AdamWFactors): void {
  const { beta1, beta2, ofGradient, ofSquare, stepSize, epsilon, decay } = factors;
  for (let i = 0; i < values.length; i++) {
    const g = gradient[i]!;
    const m = beta1 * first[i]! + ofGradient * g;
    const v = beta2 * second[i]! + ofSquare * g * g;
    first[i] = m;
    second[i] = v;
    values[i] = Math.fround(values[i]! * decay) - (stepSize * m) / (Math.sqrt(v) + epsilon);
  }
}

/** √Σ g² over all tensors, in float64. */
export const globalNorm = (gradients: readonly Float32Array[]): number =>
  Math.sqrt(gradients.reduce((sum, values) => sum + sumOfSquares(values), 0));

/** Σ x² in float64. */
export function sumOfSquares(values: Float32Array): number {
  // Millions of numbers: by index, which is several times faster than iterating, and in two sums, which do not wait for each other.
  let [even, odd] = [0, 0];
  const last = values.length - 1;
  for (let i = 0; i < last; i += 2) {
    even += values[i]! * values[i]!;
    odd += values[i + 1]! * values[i + 1]!;
  }
  if (last % 2 === 0) even += values[last]! * values[last]!;
  return even + odd;
}
