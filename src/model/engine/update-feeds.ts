import { UsageError } from "../../errors.js";
import type { HostTensor } from "../../onnx/session.js";
import type { DecoderConfig } from "../checkpoint/config.js";
import { type BatchSize, scalarTensor, tokenTensor } from "./batching.js";
import type { ScoreGroup, TrainingGroup, UpdateRequest } from "./engine.js";
import { groupFeeds } from "./scoring.js";

type PerToken = readonly (readonly number[])[];

/** Feeds of one batch, given by the indices of its groups and padded to `size`, for the objective's graph. */
export function updateFeeds(
  request: UpdateRequest,
  batch: readonly number[],
  size: BatchSize,
  config: DecoderConfig,
): Record<string, HostTensor> {
  const pick = <G>(groups: readonly G[]): G[] => batch.map((index) => groups[index]!);
  const fill = <T>(groups: T[], empty: T): T[] => [
    ...groups,
    ...new Array<T>(Math.max(0, size.count - groups.length)).fill(empty),
  ];
  const nothing = new Array<readonly number[]>(size.group).fill([]);
  const tokens = fill<ScoreGroup>(pick(request.groups), { promptIds: [config.padId], responses: nothing });
  const { feeds, width } = groupFeeds(tokens, config, size);
  const perToken = <G>(groups: readonly G[], of: (group: G) => PerToken) =>
    tokenTensor(fill(pick(groups).map(of), nothing), width);
  switch (request.objective) {
    case "likelihood":
      return { ...feeds, weights: perToken(request.groups, ({ weights }) => weights) };
    case "policy":
      return {
        ...feeds,
        weights: perToken(request.groups, ({ weights }) => weights),
        advantages: perToken(request.groups, ({ advantages }) => advantages),
        old_logprobs: perToken(request.groups, ({ oldLogprobs }) => oldLogprobs),
        reference_logprobs: perToken(request.groups, ({ referenceLogprobs }) => referenceLogprobs),
        ...(request.form?.ratio === "sequence" ? { sequence_shares: perToken(request.groups, sequenceShares) } : {}),
        clip_low: scalarTensor(request.clipLow),
        clip_high: scalarTensor(request.clipHigh),
        kl_coefficient: scalarTensor(request.klCoefficient),
      };
    case "value": {
      // A critic judges states: the tokens that it would have to predict are no input of its graph.
      const { target_ids: _, ...states } = feeds;
      return {
        ...states,
        weights: perToken(request.groups, ({ weights }) => weights),
        returns: perToken(request.groups, ({ returns }) => returns),
        old_values: perToken(request.groups, ({ oldValues }) => oldValues),
        value_clip: scalarTensor(request.valueClip),
      };
    }
  }
}

const perTokenFields = {
  likelihood: ["weights"],
  policy: ["weights", "advantages", "oldLogprobs", "referenceLogprobs"],
  value: ["weights", "returns", "oldValues"],
} as const;

/** @throws UsageError where there is nothing to learn from, or numbers per token that are not as many as the tokens. */
export function checkUpdate({ objective, groups }: UpdateRequest): void {
  const remedy =
    "pass at least one group with a response, and in each of its fields one number for each response token";
  if (groups.length === 0) throw new UsageError({ what: "there are no groups to learn from", where: "groups", remedy });
  for (const [g, group] of groups.entries()) {
    const { responses } = group;
    if (responses.length === 0)
      throw new UsageError({ what: "the group has no response", where: `groups[${g}]`, remedy });
    for (const field of perTokenFields[objective]) {
      const numbers = (group as unknown as Record<typeof field, PerToken>)[field];
      const r = responses.findIndex((ids, at) => numbers[at]?.length !== ids.length);
      if (r < 0) continue;
      throw new UsageError({
        what: "numbers and tokens are not equally many",
        where: `groups[${g}].${field}[${r}]`,
        expected: `${responses[r]!.length} numbers`,
        found: `${numbers[r]?.length ?? "none"}`,
        remedy,
      });
    }
  }
}

const sequenceShares = ({ responses }: { readonly responses: PerToken }): PerToken =>
  responses.map((ids) => ids.map(() => 1 / ids.length));

/** Above which gradients of one token, times the scale, should stay in float16. */
const SCALED_WEIGHT = 128;

/** A power of two that brings the largest gradient of a token's log-probability near to `SCALED_WEIGHT`. */
export function gradientScale(request: UpdateRequest): number {
  const groups: readonly TrainingGroup[] = request.groups;
  const largest = groups.flatMap(({ weights }) => weights.flat()).reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  return largest === 0 ? 1 : 2 ** Math.floor(Math.log2(SCALED_WEIGHT / largest));
}
