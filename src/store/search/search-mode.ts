/** What a search ranks by: the store's vectors, the words (BM25), or both fused. */
export const searchModes = ["vector", "text", "hybrid"] as const;
export type SearchMode = (typeof searchModes)[number];
