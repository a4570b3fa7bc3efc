/** Largest |a − b|; infinite where the lengths differ, NaN where a number is. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= largest)) largest = difference;
    if (Number.isNaN(largest)) return largest;
  }
  return largest;
}

/** How many places of two sequences differ, those that only one of them has included. */
export function differing(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let count = 0;
  for (let i = 0; i < Math.max(a.length, b.length); i++) if (a[i] !== b[i]) count++;
  return count;
}

/** The first place where two sequences differ; the shorter's length where none does. */
export function parting(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return i;
  return length;
}

/** ‖a − b‖ / ‖b‖ and 1 − cos(a, b), summed in float64. */
export function directionError(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
): { readonly relative: number; readonly angle: number } {
  if (a.length !== b.length) return { relative: Number.POSITIVE_INFINITY, angle: Number.POSITIVE_INFINITY };
  let [difference, left, right, product] = [0, 0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]!, b[i]!];
    difference += (x - y) ** 2;
    left += x * x;
    right += y * y;
    product += x * y;
  }
  // Two gradients that are both zero point the same way; one of them alone does not.
  if (left === 0 && right === 0) return { relative: 0, angle: 0 };
  return { relative: Math.sqrt(difference / right), angle: 1 - product / Math.sqrt(left * right) };
}

/** The item of the largest error; one that is not a number is worse than any. */
export function worst<T>(
  items: Iterable<T>,
  errorOf: (item: T) => number,
): { readonly error: number; readonly item: T | undefined } {
  let found: { error: number; item: T | undefined } = { error: 0, item: undefined };
  for (const item of items) {
    const error = errorOf(item);
    if (Number.isNaN(error)) return { error, item };
    if (found.item === undefined || error > found.error) found = { error, item };
  }
  return found;
}
