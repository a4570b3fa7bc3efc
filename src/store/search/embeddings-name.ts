import type { Embeddings } from "@langchain/core/embeddings";

/** `name` where the embeddings have one (as LexicalEmbeddings and OnnxEmbeddings), else the class with the model's name. */
export function embeddingsName(embeddings: Embeddings): string {
  const { name, model, modelName } = embeddings as { name?: unknown; model?: unknown; modelName?: unknown };
  if (typeof name === "string") return name;
  const named = [model, modelName].find((value) => typeof value === "string");
  return [embeddings.constructor.name, named].filter((part) => part !== undefined).join(":");
}
