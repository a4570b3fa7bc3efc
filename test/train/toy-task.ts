import type { PolicyEngine } from "../../src/model/engine/engine.js";
import type { Task } from "../../src/train/rollout.js";
import { streamSeed } from "../../src/train/seeds.js";
import { randomIds } from "../model/tiny-checkpoint.js";

/** Likely for some of the prompts and rare for others. */
const TARGET = 34;
const prompts = new Map(["a", "b", "c", "d"].map((id, i) => [id, randomIds(4 + i, 30 + i)]));

/** Rewarded is a response of three tokens by the share of them that are one given token. */
export const sayTarget = (engine: PolicyEngine, adapter: string): Task =>
  toyTask(engine, adapter, 3, (ids) => ids.filter((id) => id === TARGET).length / 3);

/** Rewarded is a response of two tokens that begins with one given token. */
export const beginWithTarget = (engine: PolicyEngine, adapter: string): Task =>
  toyTask(engine, adapter, 2, ([first]) => Number(first === TARGET));

function toyTask(
  engine: PolicyEngine,
  adapter: string,
  maxNewTokens: number,
  outcome: (ids: readonly number[]) => number,
): Task {
  return {
    name: "toy",
    items: [...prompts.keys()],
    async rollouts(items, { groupSize: count, temperature, seed }) {
      const requests = items.map((id) => ({
        promptIds: prompts.get(id)!,
        count,
        temperature,
        maxNewTokens,
        seed: streamSeed(seed, id),
      }));
      const generations = await engine.generate(requests, { adapter, stopIds: [2] });
      return items.map((item, i) => ({
        item,
        rollouts: generations[i]!.map(({ ids, logprobs, finishReason }) => ({
          samples: [
            { promptIds: requests[i]!.promptIds, responseIds: ids, logprobs, truncated: finishReason === "length" },
          ],
          outcome: outcome(ids),
          format: 1,
          operations: {},
        })),
      }));
    },
  };
}
