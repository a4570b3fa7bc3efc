import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AnswerLine, EvaluationLine } from "../../src/evaluate/evaluation-log.js";
import type { EvaluationScores } from "../../src/evaluate/evaluation-scores.js";
import type { Splits } from "../../src/recipe/context.js";
import type { StageMark } from "../../src/recipe/mark.js";
import type { ValidationResult } from "../../src/recipe/validation.js";
import { hasTinyModel, runCli } from "../cli/run-cli.js";
import { edit, headOf, makeRecipe, openPage, type Page, readJsonFile, tableOf } from "./recipe-folder.js";

const trained = ["manager", "answerer", "both"];
const stages = ["facts", "record", "answerer", "manager", "record-trained", "final-answerer", "evaluate"];
const points = (value: number): string => (100 * value).toFixed(1);

describe.skipIf(!hasTinyModel)("the report of a recipe's folder (skipped without the tiny model's weights)", () => {
  let folder: string;
  let whole: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "report-recipe-"));
    whole = join(folder, "whole");
    await makeRecipe(whole);
  }, 600_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const copy = async (name: string): Promise<string> => {
    const to = join(folder, name);
    await cp(whole, to, { recursive: true });
    return to;
  };

  /** The same recipe under another seed, in which trained rows have another F1. */
  async function seeded(name: string, seed: number, gain: number): Promise<string> {
    const to = await copy(name);
    for (const stage of stages) {
      await edit<StageMark>(join(to, stage, "stage.json"), ({ settings, ...mark }) => ({
        ...mark,
        settings: "seed" in settings ? { ...settings, seed } : settings,
      }));
    }
    await edit<EvaluationScores[]>(join(to, "evaluate", "scores.json"), (scores) =>
      scores.map((row) =>
        trained.includes(row.name) ? { ...row, metrics: { ...row.metrics, f1: row.metrics.f1! + gain } } : row,
      ),
    );
    return to;
  }

  async function report(...args: string[]): Promise<Page> {
    const file = join(folder, "report.html");
    const { code, stdout, stderr } = await runCli("report", ...args, "-o", file);
    expect({ code, stderr, stdout }).toEqual({ code: 0, stderr: "", stdout: `${file}\n` });
    return openPage(file);
  }

  const failure = async (...args: string[]): Promise<string> => {
    const { code, stderr } = await runCli("report", ...args, "-o", join(folder, "none.html"));
    expect(code).toBe(2);
    return stderr;
  };

  it("has every figure of scores.json: answers with intervals, F1 by category with counts, managing", async () => {
    const page = await report(whole);
    const scores = await readJsonFile<EvaluationScores[]>(whole, "evaluate", "scores.json");
    const [answers, categories, banks] = ["Answers", "F1 by category", "Managing the bank"].map((caption) =>
      tableOf(page, caption),
    ) as [ReturnType<typeof tableOf>, ReturnType<typeof tableOf>, ReturnType<typeof tableOf>];
    expect([...answers.keys()]).toEqual(["none", "bm25", "base", ...trained]);
    for (const {
      name,
      metrics,
      intervals,
      evidenceRecall,
      evidenceSelected,
      answererUnparsable,
      bank,
      ...row
    } of scores) {
      const [f1, mem0, bleu, exact, , recall, selected, , unreadable] = answers.get(name)!;
      const [low, high] = intervals.f1!.questions;
      expect(f1).toEqual({ figure: points(metrics.f1!), below: `[${points(low)}–${points(high)}]` });
      expect([mem0, bleu, exact, recall, unreadable].map((cell) => cell!.figure)).toEqual(
        [metrics["mem0-f1"]!, metrics.bleu1!, metrics["exact-match"]!, evidenceRecall!, answererUnparsable].map(points),
      );
      expect(selected!.figure).toBe(evidenceSelected === null ? "–" : points(evidenceSelected));
      expect(categories.get(name)![0]!.figure).toBe(points(row.categories["4"]!.metrics.f1!));
      const { ADD, UPDATE, DELETE, NOOP } = bank?.operations ?? {};
      const managed = bank === null ? undefined : [ADD, UPDATE, DELETE, NOOP, bank.bankSize.toFixed(1)].map(String);
      expect(banks.get(name)?.map(({ figure }) => figure)).toEqual(
        managed && [...managed, points(bank!.managerUnparsable!)],
      );
    }
    expect(headOf(page, "F1 by category")).toEqual(["", "44 questions"]);
    expect(page.querySelector("#scores p")?.textContent).toContain(
      "1 conversation, 4 questions, facts of turns: observation",
    );
  });

  it("draws validation F1 against minutes for each stage that trains, and says which checkpoint was chosen", async () => {
    const page = await report(whole);
    const chosen = tableOf(page, "What each stage chose");
    expect([...chosen.keys()]).toEqual(["answerer", "manager", "final-answerer"]);
    for (const [stage, cells] of chosen) {
      const results = await readJsonFile<ValidationResult[]>(whole, stage, "validation.json");
      const [checkpoint] = (await readdir(join(whole, stage, "chosen"))).map((name) => Number(name.split("-")[1]));
      const [start, ...others] = results;
      const f1 = others.find(({ step }) => step === checkpoint)!.f1;
      expect(cells.map(({ figure }) => figure).slice(0, 4)).toEqual(
        [points(start!.f1), points(f1), checkpoint! - start!.step, others.length].map(String),
      );
    }
    const titles = [...page.querySelectorAll("#validation svg[role=img] title")].map(({ textContent }) => textContent);
    expect(titles.length).toBe(2 + 1 + 3 + 1);
    expect(titles.filter((title) => title?.endsWith("chosen")).length).toBe(3);
  });

  it("draws each stage's own training steps, without those of the checkpoint that it went on from", async () => {
    const page = await report(whole);
    const heads = [...page.querySelectorAll("#training h3")].map(({ textContent }) => textContent);
    expect(heads).toEqual(["answerer 2 steps", "manager 1 step", "final-answerer 1 step"]);
    const labels = [...page.querySelectorAll("#training svg[role=img]")].map((one) => one.getAttribute("aria-label"));
    expect(labels.filter((label) => label === "Unreadable and cut replies by training step").length).toBe(3);
    expect(labels.filter((label) => label?.startsWith("Share of each")).length).toBe(1);
  });

  it("shows what both pairs of agents did with a question's evidence, what was shown and selected, and both answers", async () => {
    const changed = await copy("changed");
    const asked = "Which things does Olga collect?";
    await edit<EvaluationLine>(join(changed, "evaluate", "results-manager.jsonl"), (line) => {
      if (line.type === "answer" && line.text === asked && line.row === "both") {
        return { ...line, prediction: "red umbrellas" };
      }
      if (line.type !== "step") return line;
      const before = {
        text: "Olga has many umbrellas",
        speaker: "Olga",
        time: "21 November 2022",
        source: "D2:1",
        order: 3,
      };
      const after = { ...before, text: "Olga has many red umbrellas" };
      const change = { key: "D2:1-000", before, after };
      if (line.turn === "D2:1") return { ...line, changes: [{ ...change, event: "ADD", before: null, after: before }] };
      return line.turn === "D2:3" ? { ...line, operations: [], changes: [{ ...change, event: "UPDATE" }] } : line;
    });
    const page = await report(changed);
    const item = [...page.querySelectorAll("#questions details")].find((one) =>
      one.querySelector("summary")?.textContent?.includes(asked),
    )!;
    const before = (await readFile(join(whole, "evaluate", "results-untrained.jsonl"), "utf8"))
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as EvaluationLine)
      .find((line): line is AnswerLine => line.type === "answer" && line.row === "base" && line.text === asked)!;
    expect(before.prediction).toBe("umbrellas");
    expect(item.querySelector("summary small")?.textContent).toBe("F1 100.0 → 66.7");
    expect(item.querySelector("p")?.textContent).toBe("Gold answer: umbrellas conv-41, conv-41:q1, category 4");
    const rows = [...item.querySelectorAll("tbody tr")].map((row) =>
      [...row.children].map(({ textContent }) => textContent),
    );
    expect(rows).toEqual([
      [
        "D2:1, 21 November 2022, OlgaI am collecting umbrellas.",
        "ADD Olga collects umbrellas",
        "ADD Olga has many umbrellaslater, by D2:3: UPDATE Olga has many umbrellas → Olga has many red umbrellas",
      ],
      [
        "Shown to the answerer",
        "5 memories, 100 % of the turns that hold the answerm5, 21 November 2022: Olga collects umbrellas",
        "5 memories, 100 % of the turns that hold the answerm5, 21 November 2022: Olga has many red umbrellas",
      ],
      [
        "Selected",
        "m5, 21 November 2022: Olga collects umbrellas",
        "m5, 21 November 2022: Olga has many red umbrellas",
      ],
      ["Answered", "umbrellas F1 100.0", "red umbrellas F1 66.7"],
    ]);
  });

  it("says that memories are not known where the decisions that made them are missing", async () => {
    const other = await copy("other");
    const results = (name: string) => join(other, "evaluate", `results-${name}.jsonl`);
    await edit<EvaluationLine>(results("untrained"), (line) =>
      line.type === "answer" ? { ...line, shown: ["nowhere"] } : line,
    );
    const text = await readFile(results("manager"), "utf8");
    await writeFile(results("manager"), text.replace(/^.*"type":"step".*"turn":"D2:1".*\n/m, ""));
    const cells = [...(await report(other)).querySelectorAll("#questions td")].map(({ textContent }) => textContent);
    expect(cells.filter((cell) => cell?.endsWith("which ones is not known")).length).toBe(8);
    expect(cells).toContain("not known: the results have no decision");
    expect(cells.filter((cell) => cell?.endsWith("whose texts are not known")).length).toBeGreaterThan(2);
  });

  it("has the seconds of each stage", async () => {
    const seconds = tableOf(await report(whole), "Seconds of each stage");
    expect([...seconds.keys()]).toEqual([...stages, "all that are done"]);
    for (const stage of stages) {
      const mark = await readJsonFile<StageMark>(whole, stage, "stage.json");
      expect(seconds.get(stage)![0]!.figure).toBe(
        mark.seconds < 100 ? mark.seconds.toFixed(1) : mark.seconds.toFixed(0),
      );
    }
  });

  it("shows the training conversations before and after from the recordings of the stages", async () => {
    const page = await report(whole);
    expect(page.querySelector("#sides summary")?.textContent).toContain("conv-26");
    expect(page.querySelector("#bank p")?.textContent).toContain("record-trained: the training conversations");
  });

  it("shows what there is of a recipe that is not finished, says which stages are missing, and changes no file of it", async () => {
    const part = await copy("part");
    await rm(join(part, "evaluate"), { recursive: true });
    await rm(join(part, "record-trained"), { recursive: true });
    await edit<StageMark>(join(part, "final-answerer", "stage.json"), (mark) => ({ ...mark, state: "begun" }));
    const names = await readdir(part, { recursive: true });
    const page = await report(part);
    expect(page.querySelector(".unfinished")?.textContent).toBe(
      "part is not finished; begun: final-answerer; missing: record-trained, evaluate.",
    );
    expect(page.querySelector("#scores .missing")?.textContent).toContain("no row of the stage evaluate is done");
    expect(page.querySelector("#questions .missing")?.textContent).toContain("No test question is answered yet");
    expect(page.querySelectorAll("#validation svg[role=img] title").length).toBe(2 + 1 + 3 + 1);
    expect(tableOf(page, "Seconds of each stage").get("evaluate")![0]!.figure).toBe("missing");
    expect(await readdir(part, { recursive: true })).toEqual(names);

    for (const stage of stages.slice(1)) await rm(join(part, stage), { recursive: true, force: true });
    const begun = await report(part);
    expect(begun.querySelector("#validation .missing")?.textContent).toContain("Nothing is validated yet");
    expect(begun.querySelector(".unfinished")?.textContent).toContain("missing: record, answerer, manager,");
  });

  it("shows the rows of an evaluation under way that are done, and reads its results up to the last whole line", async () => {
    const under = await copy("under-way");
    await edit<StageMark>(join(under, "evaluate", "stage.json"), (mark) => ({ ...mark, state: "begun" }));
    await edit<EvaluationScores[]>(join(under, "evaluate", "scores.json"), (scores) =>
      scores.filter(({ name }) => name === "both"),
    );
    const file = join(under, "evaluate", "results-manager.jsonl");
    const text = await readFile(file, "utf8");
    const cut = text.slice(0, text.indexOf('{"type":"answer"') + 50);
    await writeFile(file, cut);
    const page = await report(under);
    expect(page.querySelector("#questions")?.textContent).toContain("not answered, or not a row of this test");
    expect([...tableOf(page, "Answers").keys()]).toEqual(["both"]);
    expect(await readFile(file, "utf8")).toBe(cut);
    await writeFile(file, '{"type":"answer"}\n');
    expect(await failure(under)).toMatch(
      /results-manager\.jsonl:1: the line is not a result of an evaluation; .*found row:/,
    );
  });

  it("shows several seeds together: means, the least and the greatest, each run's F1, and what is equal in all once", async () => {
    const runs = [whole, await seeded("two", 5, 0.1), await seeded("three", 6, 0.35)];
    const third = join(runs[2]!, "evaluate", "scores.json");
    await edit<EvaluationScores[]>(third, (scores) => scores.filter(({ name }) => name !== "bm25"));
    const page = await report(...runs);
    const all = await Promise.all(runs.map((run) => readJsonFile<EvaluationScores[]>(run, "evaluate", "scores.json")));
    const answers = tableOf(page, "Answers");
    const each = tableOf(page, "F1 of each run");
    for (const name of trained) {
      const f1 = all.map((scores) => scores.find((row) => row.name === name)!.metrics.f1!);
      const mean = (f1[0]! + f1[1]! + f1[2]!) / 3;
      expect(answers.get(name)![0]).toEqual({
        figure: points(mean),
        below: `${points(Math.min(...f1))}–${points(Math.max(...f1))}`,
      });
      expect(each.get(name)!.map(({ figure }) => figure)).toEqual(f1.map(points));
    }
    expect(answers.get("base")![0]!.below).toMatch(/^\[/);
    expect([...answers.keys()]).toContain("bm252 of 3 runs");
    expect([...each.keys()]).toEqual(trained);
    expect(headOf(page, "F1 of each run")).toEqual(["", ...runs.map((run) => basename(run))]);
    expect(headOf(page, "Seconds of each stage")).toEqual(["", "wholeseed 4", "twoseed 5", "threeseed 6"]);
    // A line for each run and one for their mean, of three stages.
    expect(page.querySelectorAll("#validation svg[role=img] g[aria-label=line] path").length).toBe(4 * 3);
    const heads = [...page.querySelectorAll("#questions details:first-of-type thead th")].map((one) => one.textContent);
    expect(heads.slice(1)).toEqual(["untrained, whole", "trained, whole", "trained, two", "trained, three"]);
  });

  it("refuses runs that are not seeds of one recipe, by what differs, and the same seed twice", async () => {
    const other = await seeded("other-steps", 7, 0);
    await edit<StageMark>(join(other, "manager", "stage.json"), (mark) => ({
      ...mark,
      settings: { ...mark.settings, steps: 9 },
    }));
    expect(await failure(whole, other)).toMatch(
      /not seeds of one recipe: .* manager .*expected steps 1; found steps 9;/,
    );
    expect(await failure(whole, await copy("again"))).toMatch(/the recipe with the same seed; .*found seed 4 in both/);
  });

  it("draws questions by --seed, and shows no path of this machine", async () => {
    const texts = async (...args: string[]): Promise<string[]> =>
      [...(await report(whole, ...args)).querySelectorAll("#questions summary bdi")].map((one) => one.textContent!);
    const { test } = await readJsonFile<Splits>(whole, "facts", "dialogues.json");
    const [zero, one] = [await texts(), await texts("--seed", "1")];
    expect(zero).toEqual(await texts("--seed", "0"));
    expect(one).not.toEqual(zero);
    expect([...one].sort()).toEqual(test.flatMap(({ questions }) => questions.map(({ text }) => text)).sort());
    expect(await readFile(join(folder, "report.html"), "utf8")).not.toContain(folder);
  });
});
