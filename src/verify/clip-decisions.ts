/** Numbers per response, per token. */
type PerToken = readonly (readonly number[])[];

export interface ClipSettings {
  readonly clipLow: number;
  readonly clipHigh: number;
  /** Per response. */
  readonly advantages: ArrayLike<number>;
}

/** A token that PPO's clip leaves without a gradient by one implementation's log-probability, and not by the other's. */
export interface TurnedToken {
  readonly response: number;
  readonly token: number;
  /** |log ρ − log bound| of the expected ratio: how small an error turned the decision. */
  readonly distance: number;
}

/**
 * The tokens whose clip is decided otherwise by `own` log-probabilities than by the `expected` ones. The loss is continuous at the bound, its
 * gradient is not: it loses a whole token to an error of any size, so that gradients can only be compared where the decisions agree.
 */
export function turnedTokens(
  own: PerToken,
  expected: PerToken,
  old: PerToken,
  { clipLow, clipHigh, advantages }: ClipSettings,
): TurnedToken[] {
  return expected.flatMap((row, response) => {
    const gains = advantages[response]! > 0;
    const bound = Math.log(gains ? 1 + clipHigh : 1 - clipLow);
    const clipped = (logRatio: number) => (gains ? logRatio > bound : logRatio < bound);
    return row.flatMap((logprob, token) => {
      const before = old[response]![token]!;
      const logRatio = logprob - before;
      if (clipped(logRatio) === clipped(own[response]![token]! - before)) return [];
      return [{ response, token, distance: Math.abs(logRatio - bound) }];
    });
  });
}

/** Old log-probabilities by which `own` ones give the turned tokens the expected ratio, and all others their own. */
export function withExpectedDecisions(
  turned: readonly TurnedToken[],
  own: PerToken,
  expected: PerToken,
  old: PerToken,
): number[][] {
  const rows = old.map((row) => [...row]);
  for (const { response, token } of turned) {
    rows[response]![token] = own[response]![token]! - (expected[response]![token]! - old[response]![token]!);
  }
  return rows;
}
