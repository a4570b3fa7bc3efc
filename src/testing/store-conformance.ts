import type { Embeddings } from "@langchain/core/embeddings";
import type { BaseStore } from "@langchain/langgraph";
import { describe, it } from "vitest";
import { UsageError } from "../errors.js";
import { LexicalEmbeddings } from "../store/search/lexical-embeddings.js";
import { filterCases } from "./filter-cases.js";
import { itemCases } from "./item-cases.js";
import { langGraphCases } from "./langgraph-cases.js";
import { langGraphVectorCases } from "./langgraph-vector-cases.js";
import { namespaceCases } from "./namespace-cases.js";
import { searchCases } from "./search-cases.js";
import type { ConformanceIndex, StoreCases } from "./store-case.js";

const groups = {
  items: itemCases,
  search: searchCases,
  filters: filterCases,
  namespaces: namespaceCases,
  "LangGraph's own": langGraphCases,
  "LangGraph's own, of vectors": langGraphVectorCases,
} satisfies Record<string, StoreCases>;

type CasesOf<Group> = Group extends StoreCases ? keyof Group : never;

/** Title of a case. */
export type StoreCaseName = CasesOf<(typeof groups)[keyof typeof groups]>;

export interface StoreConformanceOptions {
  /** Cases that the store does not pass, each with its reason, which the test report shows. */
  readonly skip?: Partial<Record<StoreCaseName, string>>;
}

const embeddings = new LexicalEmbeddings({ dimensions: 128 });

/** How the stores of most cases embed. The embeddings need no download and are the same on every machine. */
export const conformanceIndex: ConformanceIndex = {
  embeddings,
  dims: embeddings.dimensions,
  fields: ["text", "notes[*]"],
};

/**
 * Declares vitest tests that check a LangGraph store against the promises of `BaseStore`: a `describe` with one test for
 * each case. Call it at the top of a test file.
 * @param makeStore returns an empty store that embeds as requested; it is called for each test.
 * @throws UsageError for a skip without a reason, or of an unknown case.
 */
export function storeConformance(
  name: string,
  makeStore: (index: ConformanceIndex) => BaseStore | Promise<BaseStore>,
  { skip = {} }: StoreConformanceOptions = {},
): void {
  const reasons = new Map(Object.entries(skip));
  checkSkips(name, reasons);
  const storeWithFields = async (fields: string[]) => makeStore({ ...conformanceIndex, fields });
  const storeWithEmbeddings = async (own: Embeddings) => makeStore({ ...conformanceIndex, embeddings: own, dims: 2 });
  describe(`${name} is a LangGraph store`, () => {
    for (const [group, cases] of Object.entries<StoreCases>(groups))
      describe(group, () => {
        for (const [title, run] of Object.entries(cases))
          it(title, async (context) => {
            const reason = reasons.get(title);
            if (reason !== undefined) return context.skip(reason);
            await run({ store: await makeStore(conformanceIndex), embeddings, storeWithFields, storeWithEmbeddings });
          });
      });
  });
}

function checkSkips(name: string, reasons: ReadonlyMap<string, string>): void {
  const titles = new Set(Object.values<StoreCases>(groups).flatMap((cases) => Object.keys(cases)));
  for (const [title, reason] of reasons) {
    const known = titles.has(title);
    if (known && reason.trim() !== "") continue;
    throw new UsageError({
      what: known ? "a case is skipped without a reason" : "there is no case of this title to skip",
      where: `storeConformance("${name}")`,
      expected: known ? "a sentence that says why" : [...titles].join(" | "),
      found: title,
      remedy: known ? "give the reason" : "take the title from the test report",
    });
  }
}
