import { InMemoryStore } from "@langchain/langgraph";
import { describeStore, embeddings, fields } from "./store-cases.js";

describeStore(
  "InMemoryStore, the reference,",
  async () => new InMemoryStore({ index: { dims: embeddings.dimensions, embeddings, fields } }),
  {
    "a namespace is listed only while it holds an item": "InMemoryStore lists namespaces that held an item once",
    "with fewer texts than before, an item is no longer found by the lost ones": "InMemoryStore keeps lost vectors",
    "items without a vector are paged after the scored ones, each once":
      "InMemoryStore does not count the offset for items without a vector",
  },
);
