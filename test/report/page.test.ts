import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import { renderReport } from "../../src/report/page.js";
import { recording } from "../../src/report/read/conversation.js";
import { scoreRows } from "../../src/report/read/score-rows.js";
import type { ReportContent } from "../../src/report/sections/summary.js";
import { add, hostileTexts, remove, shortTalk, step } from "./sample.js";
import { fullReport, hostileReport, trainingSteps } from "./sample-report.js";

const empty: ReportContent = { title: "Nothing", runs: [], scores: [] };

type Page = ReturnType<typeof parseHTML>["document"];

const page = (content: ReportContent, limits = {}): Page => parseHTML(renderReport(content, limits)).document;

const textOf = (document: Page, selector: string): string =>
  [...document.querySelectorAll(selector)].map(({ textContent }) => textContent).join("\n");

describe("the report", () => {
  it("draws reward, KL, entropy and operations of each run, and tells of its alarms", () => {
    const document = page(fullReport());
    const labels = [...document.querySelectorAll("#training svg[aria-label]")].map((one) =>
      one.getAttribute("aria-label"),
    );
    expect(labels).toEqual([
      "Reward by training step",
      "KL divergence by training step",
      "Entropy by training step",
      "Unreadable and cut replies by training step",
      "Share of each memory operation by training step",
    ]);
    expect(textOf(document, "#training li")).toContain("Step 2: entropy-collapse: little is left; look at --kl");
  });

  it("has a table with every row of the scores, controls too", () => {
    const cells = textOf(page(fullReport()), "#scores table:first-of-type tbody tr");
    expect(cells).toContain("ADD-only");
    expect(cells).toMatch(/trained.*100\.0/s);
  });

  it("tells of each memory what changed it, what was said, who decided, and which answers used it", () => {
    const life = textOf(page(fullReport()), "#bank .lives > li");
    expect(life).toContain("UPDATE Ana lives in Bergen → Ana lives in Oslo");
    expect(life).toContain("D1:2, 7 May 2024, Ana: “I moved to Oslo.”");
    expect(life).toContain("Used for “Where does Ana live?” → Oslo ✓");
  });

  it("puts both recordings beside each other, and marks the rows where they did the same", () => {
    const document = page(fullReport());
    expect(textOf(document, "#sides .same")).toContain("I live in Bergen.");
    expect(textOf(document, "#sides tr:not(.same)")).toContain("Ana lives in Rome");
    expect(textOf(document, "#sides summary")).toContain("answers right: 0 % of 1 before, 100 % of 1 after");
  });

  it("says of every part that is missing what to pass for it", () => {
    const document = page(empty);
    const missing = [...document.querySelectorAll("section")].map((one) => one.querySelector(".missing")?.textContent);
    expect(missing).toEqual([
      expect.stringContaining("metrics.jsonl"),
      expect.stringContaining("--scores"),
      expect.stringContaining("--episodes"),
      expect.stringContaining("--after"),
    ]);
  });

  it("does without steps, without numbers, and without memories", () => {
    const nothing = trainingSteps.map((one) => ({ ...one, reward: Number.NaN, outcome: Number.NaN, operations: {} }));
    const document = page({
      ...empty,
      runs: [
        { name: "begun", steps: [] },
        { name: "numberless", steps: nothing },
      ],
      before: recording("r", [step(["b"], "D1:1", "hello")]),
    });
    expect(textOf(document, "#training .missing")).toContain("No step is done yet");
    expect(textOf(document, "#bank")).toContain("Nothing was remembered.");
    expect(document.querySelector("svg[aria-label='Reward by training step']")).toBeNull();
  });

  it("has no script, no address and no element of a text that it shows, in any part", () => {
    const document = page(hostileReport());
    const attributes = [...document.querySelectorAll("*")].flatMap((one) => [...one.attributes]);
    const names = [...new Set(attributes.map(({ name }) => name))];
    expect(names.filter((name) => /^on|src|^xlink|^action/.test(name))).toEqual([]);
    const addresses = attributes.filter(({ name }) => name === "href").map(({ value }) => value);
    expect(addresses.filter((one) => !one.startsWith("#"))).toEqual([]);
    expect(document.querySelectorAll("script, img, base, link, iframe, object, form, #taken").length).toBe(0);
    for (const text of hostileTexts.slice(0, 7)) expect(document.body.textContent).toContain(text);
  });

  it("is the same for the same contents", () => {
    expect(renderReport(fullReport())).toBe(renderReport(fullReport()));
  });

  it("shows of a long recording the memories of which most is to be told, and says what it leaves out", () => {
    const bank = ["long"];
    const events = [
      step(bank, "D1:1", "much", ...Array.from({ length: 30 }, (_, i) => add(`k${i}`, `fact ${i}`))),
      step(bank, "D1:2", "less", remove("k29", "fact 29")),
      ...shortTalk("other"),
    ];
    const limits = { conversations: 1, memories: 5, rows: 1 };
    const document = page({ ...empty, before: recording("r", events), after: recording("s", events) }, limits);
    expect(document.querySelectorAll("#bank .lives > li").length).toBe(5);
    expect(textOf(document, "#bank .lives")).toContain("fact 29");
    expect(textOf(document, "#bank .note")).toContain("1 more conversation not shown");
    expect(textOf(document, "#bank .note")).toContain("25 memories of which less is to be told not shown");
    expect(textOf(document, "#sides .note")).toContain("1 more turn not shown");
  });

  it("stays small for a run of thousands of steps", () => {
    const steps = Array.from({ length: 2000 }, (_, i) => ({ ...trainingSteps[0]!, step: i + 1, reward: Math.sin(i) }));
    expect(renderReport({ ...empty, runs: [{ name: "long", steps }] }).length).toBeLessThan(600_000);
  });

  it("shows scores without intervals, banks or categories", () => {
    const scores = scoreRows([{ name: "oracle", questions: 3, metrics: { f1: 0.5 } }], "scores");
    expect(textOf(page({ ...empty, scores }), "#scores tbody")).toContain("oracle50.0–");
  });
});
