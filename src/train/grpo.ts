/** GRPO under the names that it had before it was one of several presets. */
export type { PolicyOptions as GrpoOptions } from "./policy-options.js";
export { policyStep as grpoStep } from "./policy-step.js";
export { grpo as grpoDefaults } from "./presets/grpo.js";
