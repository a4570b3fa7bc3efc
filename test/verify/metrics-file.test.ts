import { describe, expect, it } from "vitest";
import { float32Bounds } from "../../src/verify/check.js";
import { checkMetricsFile } from "../../src/verify/metrics-file.js";

const row = {
  prediction: "Oslo",
  gold: "Oslo",
  category: "4",
  locomo_f1: 1,
  mem0_f1: 1,
  bleu1: 1,
  exact_match: 1,
  sentences: [1, 1],
};

describe("checks of a metrics file", () => {
  it("pass on rows that agree", () => {
    const checks = [...checkMetricsFile("rows.json", [row], float32Bounds)];
    expect(checks).toHaveLength(5);
    for (const check of checks) expect(check).toMatchObject({ pass: true, error: 0 });
  });

  it("fail, and name the row, where a metric differs", () => {
    const checks = [...checkMetricsFile("rows.json", [row, { ...row, mem0_f1: 0.5 }], float32Bounds)];
    const failed = checks.filter((check) => "pass" in check && !check.pass);
    expect(failed).toEqual([
      expect.objectContaining({ check: "mem0-f1 beside mem0_f1", error: 0.5, note: expect.stringMatching(/^row 1/) }),
    ]);
  });

  it("state the share of texts of several sentences whose BLEU-1 differs", () => {
    const several = { ...row, sentences: [2, 1] };
    const checks = [...checkMetricsFile("rows.json", [several, { ...several, bleu1: 0.2 }], float32Bounds)];
    expect(checks.at(-1)).toMatchObject({ error: 0.5, pass: false, note: "1 of 2 rows" });
  });
});
