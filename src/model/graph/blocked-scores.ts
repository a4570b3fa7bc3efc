import { type Dim, multiplyDims } from "../../onnx/dimension.js";
import * as o from "../../onnx/operators.js";
import { input, scalar, type Value } from "../../onnx/value.js";

/** Bytes of one block's float32 logits: 512 rows of a vocabulary of 152,000. */
const BLOCK_BYTES = 320 * 2 ** 20;
const LARGEST_BLOCK = 2048;

/** Rows whose logits exist at the same time: a power of two. */
export function blockRows(vocabularySize: number): number {
  const fitting = Math.floor(BLOCK_BYTES / (4 * vocabularySize));
  return Math.min(LARGEST_BLOCK, 2 ** Math.max(4, Math.floor(Math.log2(fitting))));
}

/** One loop over blocks of at most `size` rows: what `body` gives for a block's row numbers, put together to [rows, ...]. */
function overBlocks(
  rows: Dim,
  size: number,
  trips: string,
  body: (rowNumbers: Value) => readonly Value[],
): readonly Value[] {
  const iteration = input(`iteration of ${trips}`, "int64", []);
  const last = o.sub(o.extent(rows), 1);
  const count = o.add(o.div(last, size), 1);
  // As even as they can be: the last block is filled up with its last row, and cut again.
  const length = o.add(o.div(last, count), 1);
  const blockDim = `${trips}Rows`;
  // Numbered outside of the loop: the runtime counts on the host, which would wait for the device in every trip.
  const within = o.openRange(length, blockDim);
  const numbers = o.min(o.add(within, o.mul(iteration, length)), last);
  const scans = o.loop(count, [], {
    iteration,
    states: [],
    proceed: scalar(1, "bool"),
    nextStates: [],
    scans: body(numbers),
    trips,
  });
  return scans.map((scan) => {
    const rest = scan.shape.slice(2);
    return o.gather(o.reshape(scan, [multiplyDims(blockDim, trips), ...rest]), o.range(rows));
  });
}

/**
 * log π(target) of each row, float32 [rows], from states [rows, hiddenSize] and the head's weights [vocabularySize, hiddenSize]. Logits exist
 * for one block of rows at a time, in the forward and in the backward pass; the gradient never reaches the head.
 */
export function blockedScores(
  states: Value,
  head: Value,
  targets: Value,
  { rowsOfBlock: size = blockRows(head.shape[0] as number) }: { readonly rowsOfBlock?: number } = {},
): Value {
  const rows = states.shape[0]!;
  const logitsOf = (x: Value, numbers: Value) => o.matmul(o.gather(x, numbers), head, { transposeB: true });
  const [forward] = overBlocks(rows, size, "scoreBlocks", (numbers) => {
    const all = o.logSoftmax(o.cast(logitsOf(states, numbers), "float32"));
    const [length] = numbers.shape as [string];
    const chosen = o.gatherElements(all, o.reshape(o.gather(targets, numbers), [length, 1]));
    return [o.reshape(chosen, [length])];
  });
  // With p = softmax(W h): d log p[t] / dh = W[t] − p W. No one-hot matrix of the vocabulary's width is needed.
  return o.customGradient([states], [forward!], ([x], _, [g]) => {
    if (g === undefined) return [];
    const later = o.after(x!, g);
    return overBlocks(rows, size, "stateBlocks", (numbers) => {
      const mean = o.matmul(o.softmax(logitsOf(later, numbers)), head);
      const target = o.gather(head, o.gather(targets, numbers));
      const difference = o.sub(o.cast(target, "float32"), o.cast(mean, "float32"));
      const share = o.reshape(o.gather(g, numbers), [numbers.shape[0]!, 1]);
      return [o.cast(o.mul(difference, share), states.dtype)];
    });
  })[0]!;
}
