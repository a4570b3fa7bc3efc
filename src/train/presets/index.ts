import type { PolicyOptions } from "../algorithm/policy-options.js";
import { dapo } from "./dapo.js";
import { drGrpo } from "./dr-grpo.js";
import { grpo } from "./grpo.js";
import { gspo } from "./gspo.js";
import { ppo } from "./ppo.js";
import { rloo } from "./rloo.js";

export const algorithmNames = ["grpo", "dr-grpo", "dapo", "gspo", "rloo", "ppo"] as const;
export type AlgorithmName = (typeof algorithmNames)[number];

/** Algorithms by the literature's names. */
export const presets: { readonly [K in AlgorithmName]: PolicyOptions } = {
  grpo,
  "dr-grpo": drGrpo,
  dapo,
  gspo,
  rloo,
  ppo,
};
