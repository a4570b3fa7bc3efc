/**
 * Where the facts of a turn come from: the model finds them; the data has them, as LoCoMo's `observation` or a turn's own `facts`; or that, and
 * where it tells nothing of a turn, the turn's own words, so that nothing said is beyond remembering.
 */
export const factSources = ["model", "observation", "observation-or-words"] as const;
export type FactSource = (typeof factSources)[number];

/** Those that come with the data. */
export type GivenFacts = Exclude<FactSource, "model">;
