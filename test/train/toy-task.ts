import type { PolicyEngine } from "../../src/model/engine.js";
import type { Task } from "../../src/train/rollout.js";
import { streamSeed } from "../../src/train/seeds.js";
import { randomIds } from "../model/tiny-checkpoint.js";

/** Likely for some of the prompts and rare for others. */
const TARGET = 34;
const prompts = new Map(["a", "b", "c", "d"].map((id, i) => [id, randomIds(4 + i, 30 + i)]));

/** Rewarded is a response of three tokens by the share of them that are one given token. */
export function sayTarget(engine: PolicyEngine, adapter: string): Task {
  return {
    name: "toy",
    items: [...prompts.keys()],
    async rollouts(items, { groupSize: count, temperature, seed }) {
      const requests = items.map((id) => ({
        promptIds: prompts.get(id)!,
        count,
        temperature,
        maxNewTokens: 3,
        seed: streamSeed(seed, id),
      }));
      const generations = await engine.generate(requests, { adapter, stopIds: [2] });
      return items.map((item, i) => ({
        item,
        rollouts: generations[i]!.map(({ ids, logprobs, finishReason }) => ({
          samples: [
            { promptIds: requests[i]!.promptIds, responseIds: ids, logprobs, truncated: finishReason === "length" },
          ],
          outcome: ids.filter((id) => id === TARGET).length / 3,
          format: 1,
          operations: {},
        })),
      }));
    },
  };
}
