import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openModels } from "../../src/cli/options/models.js";
import { formatEvaluation } from "../../src/evaluate/evaluation-table.js";
import type { RecipeContext } from "../../src/recipe/context.js";
import { locomoRecipe, locomoSplits } from "../../src/recipe/locomo.js";
import type { ValidationResult } from "../../src/recipe/validation.js";
import { walkStages } from "../../src/recipe/walk.js";
import { ppo } from "../../src/train/presets/ppo.js";
import { hasTinyModel, runCli } from "../cli/run-cli.js";
import { locomoWorldFile } from "./locomo-world.js";
import { tinyContext } from "./tiny-context.js";

const rows = ["base", "both"];
const stages = ["facts", "record", "answerer", "manager", "record-trained", "final-answerer", "evaluate"];

describe.skipIf(!hasTinyModel)("LoCoMo's recipe, with the tiny model (skipped without its weights)", () => {
  let folder: string;
  let data: string;
  let models: Awaited<ReturnType<typeof openModels>>;
  let context: RecipeContext;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "memory-r1-recipe-"));
    data = await locomoWorldFile();
    models = await openModels({ seed: 4, device: "cpu", temperature: 0, maxNewTokens: 32 });
    context = tinyContext(models, await locomoSplits(data, { facts: "observation", questions: 2 }), {
      credit: 0.5,
      // A critic learns also where all attempts earn the same.
      algorithm: { ...ppo, overlong: { kind: "punish", share: 0.2 }, maxResponseLength: 32 },
      temperature: 2,
      steps: { answerer: 2, manager: 1, final: 1 },
    });
  });
  afterAll(async () => {
    await models?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** All progress of all calls. */
  const told: { label: string; done: number; total: number }[] = [];

  /** Seconds of the answerer's steps in each folder. */
  const spent = new Map<string, number>();

  /** A call of the recipe; `stopAt` ends it at this training step, or when a line begins with it. */
  async function call(out: string, stopAt?: string, only?: string): Promise<string[]> {
    const stop = new AbortController();
    const lines: string[] = [];
    const print = (line: string): void => {
      lines.push(line);
      if (stopAt !== undefined && line.startsWith(stopAt)) stop.abort(new Error("stopped by the test"));
    };
    const recipe = await locomoRecipe(context, {
      rows,
      onStep: (label, { step, steps, seconds: { rollout, update } }) => {
        if (label === "answerer") spent.set(out, (spent.get(out) ?? 0) + rollout + update);
        print(`${label} ${step}/${steps}`);
      },
    });
    await walkStages(recipe, {
      out,
      ...(only === undefined ? {} : { only }),
      print,
      progress: (label, progress) => void told.push({ label, ...progress }),
      seconds: () => performance.now() / 1000,
      signal: stop.signal,
    });
    return lines;
  }

  const adapters = (out: string) =>
    Promise.all(
      ["answerer", "manager", "final-answerer"].map((stage) =>
        readFile(join(out, stage, "adapter", "adapter_model.safetensors")),
      ),
    );

  it("goes from the file to the table, and stopped between stages and inside of them makes the same adapters", async () => {
    const [whole, parts] = [join(folder, "whole"), join(folder, "parts")];
    const lines = await call(whole);
    expect(lines).toEqual(expect.arrayContaining(["answerer 1/2", "answerer 2/2"]));
    // Recorded with the episodes: neither the answerer's validation nor the manager's first one builds them again.
    const untrained = told.filter(({ label }) => label === "validation: banks of the untrained manager");
    expect(untrained.map(({ done, total }) => total > 0 && done === total)).toEqual([true, true, true, true]);
    const scores = JSON.parse(await readFile(join(whole, "evaluate", "scores.json"), "utf8"));
    expect(scores).toMatchObject([
      { name: "base", facts: "observation", questions: 2 },
      { name: "both", facts: "observation", questions: 2 },
    ]);
    expect(lines).toContain(formatEvaluation(scores));

    for (const stage of stages.slice(0, 2)) await call(parts, undefined, stage);
    // After a step, and the checkpoint that it ends with, which is not validated yet.
    for (const at of ["answerer 2/2", "manager 1/1", "final-answerer "]) {
      await expect(call(parts, at)).rejects.toThrow("stopped by the test");
    }
    await call(parts);
    const [first, ...others] = await adapters(whole);
    expect(await adapters(parts)).toEqual([first, ...others]);
    // They have learned something, or nothing would be compared.
    for (const other of others) expect(other.equals(first!)).toBe(false);
    for (const out of [whole, parts]) {
      const results = JSON.parse(
        await readFile(join(out, "answerer", "validation.json"), "utf8"),
      ) as ValidationResult[];
      expect(results.map(({ step, candidate }) => [step, candidate])).toEqual([
        [0, false],
        [1, true],
        [2, true],
      ]);
      // Those of the steps before a stop, too.
      expect(results.at(-1)!.trainingSeconds).toBeCloseTo(spent.get(out)!, 6);
    }
    expect(await call(whole)).toEqual(stages.map((name, at) => `[${at + 1}/7] ${name}: done already`));
    context = { ...context, options: { ...context.options, groupSize: 4 } };
    await expect(call(whole)).rejects.toThrow(/answerer: stage answerer was done .*groupSize 2; found groupSize 4;/);
    // Two whole walks: half a minute, and more on a machine that has other things to do.
  }, 600_000);

  it("is a verb that plans before it works, and refuses what has no meaning", async () => {
    const out = join(folder, "verb");
    const recipe = ["train", "--recipe", "locomo", "--data", data, "--out", out];
    const small = ["--facts", "observation", "--turns", "4", "--questions", "1", "--batch", "1", "--group", "2"];
    const planned = await runCli(...recipe, ...small, "--max-new-tokens", "16", "--plan");
    expect([planned.code, planned.stderr]).toEqual([0, expect.stringMatching(/^measuring how long/)]);
    expect(planned.stdout).toMatch(
      /: 7 stages\n(.*\n)*3 answerer +about \d+ \w+ +probe .*, 100 steps(.*\n)*left: about/,
    );
    expect((await runCli(...recipe, "--stage", "dream")).stderr).toMatch(
      /only \(--stage\): .*expected facts, record.*dream/,
    );
    expect((await runCli(...recipe, "--fork", "x")).stderr).toMatch(/--fork: a recipe decides this itself/);
    expect((await runCli("train", "--plan")).stderr).toMatch(/--plan: this is an option of recipes; add --recipe/);
    expect((await runCli("train")).stderr).toMatch(/--episodes: there is nothing to learn from/);
    expect((await runCli("train", "--recipe", "locomo")).stderr).toMatch(/--data: a recipe needs data/);
  });
});
