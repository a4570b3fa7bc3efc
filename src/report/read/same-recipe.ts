import { UsageError } from "../../errors.js";
import type { Settings } from "../../train/run/manifest.js";
import { differences } from "../../train/run/run-settings.js";
import type { RecipeRun } from "./read-recipe.js";

/** What may differ between seeds of a recipe: the seed, what follows from it, and which rows the test has. */
const MAY_DIFFER = /^(seed|rows|input\..*)$/;

/** @throws UsageError where runs are not of one recipe under several seeds: a mean over them would say nothing. */
export function requireSeeds(runs: readonly RecipeRun[]): void {
  for (const [at, run] of runs.entries()) {
    for (const other of runs.slice(0, at)) {
      requireSameSettings(other, run);
      requireOtherSeed(other, run);
    }
  }
}

function requireSameSettings(first: RecipeRun, second: RecipeRun): void {
  for (const [stage, { settings }] of first.marks) {
    const other = second.marks.get(stage)?.settings;
    if (other === undefined) continue;
    const changed = differences(fixed(settings), fixed(other));
    if (changed.length === 0) continue;
    const list = (side: "from" | "to") =>
      changed.map((each) => `${each.setting} ${JSON.stringify(each[side]) ?? "absent"}`).join(", ");
    throw new UsageError({
      what: `these are not seeds of one recipe: their stage ${stage} has other settings`,
      where: `${first.folder}, ${second.folder}`,
      expected: list("from"),
      found: list("to"),
      remedy: "make a report of each by itself",
    });
  }
}

const fixed = (settings: Settings): Settings =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => !MAY_DIFFER.test(name)));

function requireOtherSeed(first: RecipeRun, second: RecipeRun): void {
  if (first.seed === null || first.seed !== second.seed) return;
  throw new UsageError({
    what: "two folders hold the recipe with the same seed",
    where: `${first.folder}, ${second.folder}`,
    expected: "a seed of its own for each",
    found: `seed ${first.seed} in both`,
    remedy: "leave one of them out",
  });
}
