import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { mutants } from "./list.js";
import { occurrences, planted } from "./plant.js";

describe("the planted bugs", () => {
  it("are at least twenty-five, each another", () => {
    expect(mutants.length).toBeGreaterThanOrEqual(25);
    expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
    expect(new Set(mutants.map((mutant) => `${mutant.file}\n${planted(mutant, ".")}`)).size).toBe(mutants.length);
  });

  it.each(mutants)("$name: its place in $file is there once, and so is its test", (mutant) => {
    expect(occurrences(mutant, ".")).toBe(1);
    expect(planted(mutant, ".")).toContain(mutant.replace);
    expect(existsSync(mutant.test)).toBe(true);
  });
});
