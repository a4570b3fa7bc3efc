import type { PolicyOptions } from "../algorithm/policy-options.js";
import { grpo } from "./grpo.js";

/**
 * Group Sequence Policy Optimization (Zheng et al. 2025): the ratio is the response's, the geometric mean of its tokens', and is clipped as a
 * whole, in the paper's narrow range.
 *
 * Where it differs from the paper: it is GSPO-token's form, which has the same gradient where a response has one advantage; the sequence is
 * one call, also in a rollout of several; one optimizer step per rollout instead of four. Like there, no KL.
 */
export const gspo: PolicyOptions = { ...grpo, ratio: "sequence", clipLow: 3e-4, clipHigh: 4e-4, klCoefficient: 0 };
