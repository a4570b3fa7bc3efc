import { Command } from "commander";
import { expect, test } from "vitest";
import { addRetrievalOptions } from "../../../src/cli/options/options.js";
import {
  addRecipeOptions,
  type RecipeTrainOptions,
  recipeHelp,
  withDefaults,
} from "../../../src/cli/options/recipe-options.js";

/** What a recipe takes from a command line. */
function parsed(...args: string[]): RecipeTrainOptions {
  const command = addRecipeOptions(addRetrievalOptions(new Command()));
  command.parse(["--recipe", "locomo", ...args], { from: "user" });
  return withDefaults(command.opts(), (name) => command.getOptionValueSource(name) === "cli");
}

test("a recipe does what was found to learn well, except where an option says otherwise", () => {
  expect(parsed()).toMatchObject({
    facts: "observation-or-words",
    memoriesPerSpeaker: 10,
    namedSpeakersOnly: true,
    search: "hybrid",
    words: true,
    adjacent: true,
    order: "nearest-last",
    managerSteps: 20,
    finalSteps: 40,
  });
  const given = ["--facts", "model", "--no-words", "--no-adjacent", "--order", "oldest-first", "--manager-steps", "3"];
  expect(parsed(...given)).toMatchObject({
    facts: "model",
    words: false,
    adjacent: false,
    order: "oldest-first",
    managerSteps: 3,
    search: "hybrid",
  });
});

test("its help lists those options as they are written", () => {
  expect(recipeHelp).toContain("--memories-per-speaker 10 --named-speakers-only --search hybrid --words --adjacent");
  expect(recipeHelp).toContain("--order nearest-last");
});
