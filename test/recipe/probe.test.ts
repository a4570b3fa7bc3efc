import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openModels } from "../../src/cli/options/models.js";
import type { Dialogue } from "../../src/evaluate/dialogue.js";
import { bankRounds, playRounds, type RecipeContext } from "../../src/recipe/context.js";
import { probe } from "../../src/recipe/probe.js";
import { hasTinyModel } from "../cli/run-cli.js";
import { turn } from "../train/recorded-world.js";
import { tinyContext } from "./tiny-context.js";

/** Each speaker has one turn with facts, among others. */
const told: Dialogue = {
  id: "conv-26",
  speakers: ["Ana", "Bo"],
  turns: [
    ...[1, 2, 3].map((n) => turn(`D1:${n}`, "Bo")),
    turn("D1:4", "Ana", "Ana has a cat"),
    turn("D1:5", "Bo", "Bo sings"),
    turn("D1:6", "Bo"),
  ],
  questions: [{ id: "pet", text: "Which pet?", gold: "cat", evidence: ["D1:4"] }],
};

describe("decisions as a plan counts them", () => {
  const on = (device: string) =>
    ({ engine: { info: { device } }, options: { concurrency: 4 } }) as unknown as RecipeContext;

  it("are those of conversations side by side once on a GPU, and each by itself on a CPU", () => {
    const dialogues = [told, told, told];
    expect([playRounds(on("cuda:0"), dialogues), bankRounds(on("cuda:0"), dialogues)]).toEqual([2, 1]);
    expect([playRounds(on("cpu"), dialogues), bankRounds(on("cpu"), dialogues)]).toEqual([6, 6]);
  });
});

describe.skipIf(!hasTinyModel)("a probe, with the tiny model (skipped without its weights)", () => {
  let models: Awaited<ReturnType<typeof openModels>>;
  beforeAll(async () => {
    models = await openModels({ seed: 4, device: "cpu", temperature: 0, maxNewTokens: 32 });
  });
  afterAll(() => models?.close());

  it("measures as many decisions as a plan counts: turns without facts are none", async () => {
    const context = tinyContext(models, { train: [told], validation: [], test: [] });
    const measured = await probe(context, ["decision", "answer"], () => performance.now() / 1000);
    expect(measured.decision!.count).toBe(playRounds(context, [told]));
  });
});
