import { pagesOf } from "./chroma-limits.js";
import { decodeRow, expiry, type Head, isHead, rowId } from "./chroma-rows.js";
import { idOf } from "./chroma-search.js";
import { deleteRows, type WriteContext } from "./chroma-write.js";

export function isExpired({ expires }: Head, now: Date): boolean {
  return expires !== undefined && expires <= now.getTime();
}

/**
 * Begins the time of items anew. What this process has put again since it was read keeps the time of that put. Rows that
 * are gone by now are not made again: Chroma updates only what is there.
 */
export async function refreshRows(
  { collection, limits, known, now }: WriteContext,
  heads: readonly Head[],
): Promise<void> {
  const at = now();
  const current = heads.filter((head) => (known.get(idOf(head)) ?? head).stamp === head.stamp);
  const rows = current.flatMap((head) =>
    Array.from({ length: head.rows }, (_, row) => ({ id: rowId(idOf(head), row), expires: expiry(at, head.ttl!) })),
  );
  const once = [...new Map(rows.map((row) => [row.id, row])).values()];
  for (const page of pagesOf(once, limits.records))
    await collection.update({ ids: page.map(({ id }) => id), metadatas: page.map(({ expires }) => ({ expires })) });
}

/** What a sweep needs beside: `run` waits for the writes of the same items. */
export interface SweepContext extends WriteContext {
  readonly run: <T>(keys: readonly string[], task: () => Promise<T>) => Promise<T>;
}

/** Deletes the items that have expired by now; resolves to how many. Each is looked at again before it goes. */
export async function sweepRows(context: SweepContext): Promise<number> {
  const { collection, limits, now, known, heads, run } = context;
  const where = { expires: { $lte: now().getTime() } };
  const candidates: string[] = [];
  for (let offset = 0; ; offset += limits.results) {
    const page = await collection.get({ where, limit: limits.results, offset, include: ["metadatas", "documents"] });
    const rows = page.ids.map((id, at) => ({ id, row: decodeRow(page.metadatas[at], page.documents[at]) }));
    candidates.push(...rows.filter(({ row }) => isHead(row) && isExpired(row, now())).map(({ id }) => id));
    if (page.ids.length < limits.results) break;
  }
  let swept = 0;
  for (const ids of pagesOf(candidates, limits.records)) {
    await run(ids, async () => {
      const expired = [...(await heads(ids))].filter(([, head]) => isExpired(head, now())).map(([id]) => id);
      for (const id of expired) known.forget(id);
      await deleteRows(context, expired);
      swept += expired.length;
    });
  }
  return swept;
}
