import type { HostTensor, Runnable } from "../../onnx/session.js";
import type { DecoderConfig } from "../checkpoint/config.js";
import { PROMPT_BLOCKS } from "../graph/prompt-gradient.js";
import { idMatrix, longest, promptTensors } from "./batching.js";
import type { ScoreGroup } from "./engine.js";

/** Tokens of one padded batch of groups, as the policy graphs take them; padded to more than the batch needs where `least` says so. */
export function groupFeeds(
  groups: readonly ScoreGroup[],
  { padId }: DecoderConfig,
  least: { readonly prompt: number; readonly response: number } = { prompt: 0, response: 0 },
): { feeds: Record<string, HostTensor>; width: number } {
  const size = groups[0]!.responses.length;
  const responses = groups.flatMap((group) => group.responses);
  // The network sees at least one response token: kernels need not handle empty tensors.
  const width = Math.max(longest(responses), least.response, 2);
  // No block of the prompt's rows is empty either.
  const prompts = groups.map(({ promptIds }) => promptIds);
  const { ids, lengths } = promptTensors(prompts, padId, Math.max(longest(prompts), least.prompt, PROMPT_BLOCKS));
  const matrix = (columns: number): HostTensor => ({
    ...idMatrix(responses, columns, padId),
    shape: [groups.length, size, columns],
  });
  return {
    feeds: { prompt_ids: ids, prompt_lengths: lengths, response_ids: matrix(width - 1), target_ids: matrix(width) },
    width,
  };
}

/** Cuts a padded [groups, G, width] tensor back to each response's length. */
export function unpad(tensor: HostTensor, groups: readonly ScoreGroup[]): number[][][] {
  const [, size, width] = tensor.shape as [number, number, number];
  const data = tensor.data as Float32Array;
  return groups.map(({ responses }, g) =>
    responses.map((ids, r) => {
      const start = (g * size + r) * width;
      return Array.from(data.subarray(start, start + ids.length));
    }),
  );
}

/** Log-probabilities of one batch's tokens, cut back to each response's length. */
export async function scoreBatch(
  session: Runnable,
  groups: readonly ScoreGroup[],
  config: DecoderConfig,
  parameters: Readonly<Record<string, HostTensor>>,
): Promise<number[][][]> {
  const results = await session.run({ ...groupFeeds(groups, config).feeds, ...parameters });
  return unpad(results.logprobs!, groups);
}

/** The critic's values of one batch, cut back to each response's length. */
export async function valueBatch(
  session: Runnable,
  groups: readonly ScoreGroup[],
  config: DecoderConfig,
  parameters: Readonly<Record<string, HostTensor>>,
): Promise<number[][][]> {
  const { target_ids: _, ...tokens } = groupFeeds(groups, config).feeds;
  const results = await session.run({ ...tokens, ...parameters });
  return unpad(results.values!, groups);
}
