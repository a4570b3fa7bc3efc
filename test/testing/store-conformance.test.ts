import { InMemoryStore } from "@langchain/langgraph";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/errors.js";
import { type StoreConformanceOptions, storeConformance } from "../../src/testing/index.js";

const refused = (skip: Record<string, string>) => () =>
  storeConformance("a store", (index) => new InMemoryStore({ index }), { skip } as StoreConformanceOptions);

describe("storeConformance", () => {
  it("takes no skip without a reason", () => {
    expect(refused({ "should implement get method": " " })).toThrow(UsageError);
    expect(refused({ "should implement get method": "" })).toThrow(/without a reason.*should implement get method/);
  });

  it("takes no skip of a case that there is not, and says which there are", () => {
    expect(refused({ "should implement magic": "it cannot" })).toThrow(UsageError);
    expect(refused({ "should implement magic": "it cannot" })).toThrow(
      /should implement put method.*found should implement magic/,
    );
  });
});
