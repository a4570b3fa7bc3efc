import { describe, expect, it } from "vitest";
import { textsAt } from "../../../src/store/search/text-fields.js";

const value = {
  title: "T",
  count: 3,
  nothing: null,
  deep: { name: "D", on: true },
  list: ["a", "b"],
  rows: [{ name: "x" }, { name: "y" }, {}],
};

describe("textsAt", () => {
  it.each<[string, string[]]>([
    ["$", [JSON.stringify(value, null, 2)]],
    ["title", ["T"]],
    ["count", ["3"]],
    ["nothing", []],
    ["missing.name", []],
    ["deep.name", ["D"]],
    ["deep", [JSON.stringify(value.deep, null, 2)]],
    ["list[*]", ["a", "b"]],
    ["list[1]", ["b"]],
    ["list[-1]", ["b"]],
    ["list[7]", []],
    ["list[x]", []],
    ["title[0]", []],
    ["rows[*].name", ["x", "y"]],
    ["deep.*", ["D", "true"]],
    ["{title,deep.name}", ["T", "D"]],
    ["toString", []],
  ])("selects by %s", (path, expected) => {
    expect(textsAt(value, path)).toEqual(expected);
  });
});
