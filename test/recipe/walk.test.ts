import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { formatPlan, planStages, ratesOf, unmeasured } from "../../src/recipe/plan.js";
import type { Stage } from "../../src/recipe/stage.js";
import { stageMarks, walkStages } from "../../src/recipe/walk.js";
import type { Settings } from "../../src/train/run/manifest.js";

let out: string;
let ran: string[];
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "memory-r1-walk-"));
  ran = [];
});
afterEach(() => rm(out, { recursive: true, force: true }));

/** Writes the text of its inputs and its own letter. */
function stage(name: string, needs: readonly string[] = [], settings: Settings = { letter: name }): Stage {
  return {
    name,
    what: `write ${name}`,
    needs,
    settings,
    work: { answer: 10 },
    async run({ folder, input }) {
      ran.push(name);
      const texts = await Promise.all(needs.map((one) => readFile(join(input(one), "text"), "utf8")));
      await writeFile(join(folder, "text"), `${texts.join("")}${settings.letter}`);
      return { outputs: ["text"], measured: { answer: { count: 10, seconds: 20 } } };
    },
  };
}

const walk = (stages: readonly Stage[], only?: string, signal = new AbortController().signal) =>
  walkStages(stages, {
    out,
    ...(only === undefined ? {} : { only }),
    print: () => undefined,
    progress: () => undefined,
    seconds: () => 0,
    signal,
  });
const text = (name: string) => readFile(join(out, name, "text"), "utf8");

describe("walking stages", () => {
  it("does all in their order once, each from the folders of those before", async () => {
    const stages = [stage("a"), stage("b", ["a"]), stage("c", ["a", "b"])];
    await walk(stages);
    expect(await text("c")).toBe("aabc");
    await walk(stages);
    expect(ran).toEqual(["a", "b", "c"]);
  });

  it("does a stage by itself once those that it needs are done, and says which is not", async () => {
    const stages = [stage("a"), stage("b", ["a"])];
    await expect(walk(stages, "b")).rejects.toThrow(
      /stage b needs stages that are not done.*not done: a; run only \(--stage\) a/,
    );
    await walk(stages, "a");
    await walk(stages, "b");
    expect(ran).toEqual(["a", "b"]);
    await expect(walk(stages, "d")).rejects.toThrow(/no such stage; expected a, b; found d/);
  });

  it("refuses a changed setting by its name, also of a stage that was only begun and of those whose inputs are open", async () => {
    const failing: Stage = { ...stage("b", ["a"]), run: () => Promise.reject(new Error("stopped")) };
    await expect(walk([stage("a"), failing])).rejects.toThrow("stopped");
    const changed = [stage("a"), stage("b", ["a"], { letter: "x" })];
    await expect(walk(changed)).rejects.toThrow(/stage b was begun with other settings.*letter "b".*letter "x"/);
    await walk([stage("a"), stage("b", ["a"])]);
    await rm(join(out, "a"), { recursive: true });
    await expect(stageMarks(changed, out)).rejects.toThrow(/stage b was done .*letter "b".*letter "x"/);
  });

  it("refuses a stage whose input was made anew with another content", async () => {
    await walk([stage("a"), stage("b", ["a"])]);
    await rm(join(out, "a"), { recursive: true });
    const other = [stage("a", [], { letter: "z" }), stage("b", ["a"])];
    await walk(other, "a");
    await expect(walk(other)).rejects.toThrow(/stage b was done with other settings; expected input\.a "\w{64}"/);
  });

  it("refuses it, too, where the same walk makes the input anew, be it done or only begun", async () => {
    for (const state of ["done", "begun"]) {
      await rm(out, { recursive: true });
      await walk([stage("a"), stage("b", ["a"])]);
      const mark = join(out, "b", "stage.json");
      await writeFile(mark, (await readFile(mark, "utf8")).replace('"done"', JSON.stringify(state)));
      await rm(join(out, "a"), { recursive: true });
      const other = [stage("a", [], { letter: "z" }), stage("b", ["a"])];
      await expect(walk(other)).rejects.toThrow(`stage b was ${state} with other settings; expected input.a`);
      expect(await text("b")).toBe("ab");
      await rm(join(out, "b"), { recursive: true });
      await walk(other);
      expect(await text("b")).toBe("zb");
    }
  });

  it("refuses an output that was changed or removed since", async () => {
    await walk([stage("a")]);
    await appendFile(join(out, "a", "text"), "!");
    await expect(walk([stage("a")])).rejects.toThrow(/a\/text: an output of stage a has changed; expected SHA-256/);
    await rm(join(out, "a", "text"));
    await expect(walk([stage("a")])).rejects.toThrow(/an output of stage a is missing/);
  });

  it("begins no stage once it is told to stop", async () => {
    const stop = new AbortController();
    const first: Stage = {
      ...stage("a"),
      run: (run) => {
        stop.abort(new Error("enough"));
        return stage("a").run(run);
      },
    };
    await expect(walk([first, stage("b")], undefined, stop.signal)).rejects.toThrow("enough");
    expect(ran).toEqual(["a"]);
    await walk([stage("a"), stage("b")]);
    expect(ran).toEqual(["a", "b"]);
  });
});

describe("plans", () => {
  it("take times of finished stages, before the probe's, and count what is left", async () => {
    const stages = [stage("a"), stage("b"), { ...stage("c"), work: { decision: 3, answer: 1 } }];
    await walk(stages, "a");
    const marks = await stageMarks(stages, out);
    const rates = ratesOf(stages, marks, { answer: { count: 1, seconds: 9 } });
    expect(rates).toEqual({ answer: { seconds: 2, from: "a" } });
    expect(unmeasured(stages, marks, rates)).toEqual(["decision"]);
    const planned = planStages(stages, marks, rates);
    expect(planned.map(({ state, seconds, from }) => [state, seconds, from])).toEqual([
      ["done", 0, []],
      ["open", 20, ["a"]],
      ["open", null, ["a"]],
    ]);
    expect(formatPlan(planned)).toMatch(/2 b +about 20 s +a +write b\n.*3 c .*about \? .*\nleft: about 20 s, and more/);
    const measured = ratesOf(stages, marks, { decision: { count: 2, seconds: 10 } });
    expect(planStages(stages, marks, measured)[2]?.seconds).toBe(17);
  });
});
