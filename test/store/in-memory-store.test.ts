import { InMemoryStore } from "@langchain/langgraph";
import { storeConformance } from "../../src/testing/index.js";

storeConformance("InMemoryStore, the reference,", (index) => new InMemoryStore({ index }), {
  skip: {
    "a namespace is listed only while it holds an item": "InMemoryStore lists namespaces that held an item once",
    "with fewer texts than before, an item is no longer found by the lost ones": "InMemoryStore keeps lost vectors",
    "items without a vector are paged after the scored ones, each once":
      "InMemoryStore does not count the offset for items without a vector",
    "a filter by an object holds where all that it names holds, at any depth":
      "InMemoryStore compares objects by identity; LangGraph's Python base compares what they hold",
    "a filter with an operator that there is not is refused": "InMemoryStore takes it for a value, and finds nothing",
    "what a reader does to an item that it got does not change the store": "InMemoryStore gives out its own objects",
  },
});
