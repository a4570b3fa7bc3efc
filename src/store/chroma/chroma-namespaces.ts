import type { ListNamespacesOperation } from "@langchain/langgraph";
import type { Collection } from "chromadb";
import { itemPath, listPage } from "../namespace.js";
import type { ChromaLimits } from "./chroma-limits.js";
import { decodeRow, type Head, isHead, whereRows } from "./chroma-rows.js";

/** The namespaces that hold an item, found by reading what lies below the prefix (up to its first wildcard). */
export async function listNamespaces(
  collection: Collection,
  op: ListNamespacesOperation,
  limits: ChromaLimits,
  isVisible: (head: Head) => boolean,
): Promise<string[][]> {
  const path = op.matchConditions?.find(({ matchType }) => matchType === "prefix")?.path ?? [];
  const wildcard = path.indexOf("*");
  const where = whereRows(wildcard === -1 ? path : path.slice(0, wildcard), undefined, limits);
  const namespaces = new Map<string, string[]>();
  for (let offset = 0; ; offset += limits.results) {
    const page = await collection.get({
      ...(where === undefined ? {} : { where }),
      limit: limits.results,
      offset,
      include: ["metadatas"],
    });
    for (const metadata of page.metadatas) {
      const row = decodeRow(metadata, undefined);
      if (isHead(row) && isVisible(row)) namespaces.set(itemPath(row.item.namespace, ""), row.item.namespace);
    }
    if (page.ids.length < limits.results) return listPage(namespaces.values(), op);
  }
}
