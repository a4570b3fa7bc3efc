import { type AdamWFactors, type AdamWTensor, adamWStep, sumOfSquares } from "./adamw.js";

/** A step's two parts: the norm over all gradients is known between them. */
export type OptimizerTask =
  | { readonly type: "take"; readonly gradients: readonly Float32Array<ArrayBuffer>[] }
  | { readonly type: "step"; readonly tensors: readonly AdamWTensor[]; readonly factors: AdamWFactors };

/** Some of a step's tensors, in one thread. */
export class OptimizerShare {
  private gradients: readonly Float32Array[] = [];

  /** "take" gives Σ g² of each gradient; "step" updates as many tensors by them, in place. */
  run(task: OptimizerTask): number[] {
    if (task.type === "take") {
      this.gradients = task.gradients;
      return task.gradients.map(sumOfSquares);
    }
    task.tensors.forEach((tensor, i) => {
      adamWStep(tensor, this.gradients[i]!, task.factors);
    });
    this.gradients = [];
    return [];
  }
}
