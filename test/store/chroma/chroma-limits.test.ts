import { describe, expect, it } from "vitest";
import { checkBytes, pagesOf } from "../../../src/store/chroma/chroma-limits.js";

describe("pagesOf", () => {
  it("cuts by number, and before a page is larger than a request may be", () => {
    expect(pagesOf([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
    expect(pagesOf([6, 6, 6, 20, 1], 9, (megabytes) => megabytes * 2 ** 20)).toEqual([[6, 6], [6], [20], [1]]);
    expect(pagesOf([], 2)).toEqual([]);
  });
});

describe("checkBytes", () => {
  it("counts bytes and not characters", () => {
    expect(() => checkBytes("ü".repeat(50), 100, "the value", "here")).not.toThrow();
    expect(() => checkBytes("ü".repeat(51), 100, "the value", "here")).toThrow(/here.*at most 100 bytes.*102 bytes/);
  });
});
