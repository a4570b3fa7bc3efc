import { type AdamWFactors, type AdamWTensor, adamWStep, sumOfSquares } from "./adamw.js";

/** A parameter whose values move between threads, with moments that threads share. */
export type MovedTensor = AdamWTensor & { readonly values: Float32Array<ArrayBuffer> };

/** A step's two parts: the norm over all gradients is known between them. Gradients and values are given away. */
export type OptimizerTask =
  | { readonly type: "take"; readonly gradients: readonly Float32Array<ArrayBuffer>[] }
  | { readonly type: "step"; readonly tensors: readonly MovedTensor[]; readonly factors: AdamWFactors };

/** Some of a step's tensors, in one thread. */
export class OptimizerShare {
  private gradients: readonly Float32Array[] = [];

  /** Σ g² of each gradient. */
  take(gradients: readonly Float32Array[]): number[] {
    this.gradients = gradients;
    return gradients.map(sumOfSquares);
  }

  /** Updates as many tensors by the gradients taken before, in place; returns their values. */
  step(tensors: readonly MovedTensor[], factors: AdamWFactors): Float32Array<ArrayBuffer>[] {
    tensors.forEach((tensor, i) => {
      adamWStep(tensor, this.gradients[i]!, factors);
    });
    this.gradients = [];
    return tensors.map(({ values }) => values);
  }
}
