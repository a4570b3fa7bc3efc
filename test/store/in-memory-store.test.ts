import { InMemoryStore } from "@langchain/langgraph";
import { storeConformance } from "../../src/testing/index.js";

const keepsVectors = "the InMemoryStore of this LangGraph keeps vectors of texts that are gone";
const countsOnlyScored = "the InMemoryStore of this LangGraph does not count the offset for items without a vector";

storeConformance("InMemoryStore, the reference,", (index) => new InMemoryStore({ index }), {
  skip: {
    "a namespace is listed only while it holds an item": "InMemoryStore lists namespaces that held an item once",
    "with fewer texts than before, an item is no longer found by the lost ones": keepsVectors,
    "replaces previous vectors": keepsVectors,
    "replaces array vectors": keepsVectors,
    "uses only the final put for an item in a batch": keepsVectors,
    "should not reuse deleted vectors": keepsVectors,
    "should clean batch deletions without removing other items' vectors": keepsVectors,
    "preserves all original values and vectors after the embeddings fail":
      "the InMemoryStore of this LangGraph takes what vectors there are",
    "items without a vector are paged after the scored ones, each once": countsOnlyScored,
    "paginates mixed results": countsOnlyScored,
    "applies filters before counting indexed and unindexed items": countsOnlyScored,
    "counts a document with multiple vectors only once when skipping results": countsOnlyScored,
    "a filter by an object holds where all that it names holds, at any depth":
      "InMemoryStore compares objects by identity; LangGraph's Python base compares what they hold",
    "a filter with an operator that there is not is refused": "InMemoryStore takes it for a value, and finds nothing",
    "what a reader does to an item that it got does not change the store": "InMemoryStore gives out its own objects",
  },
});
