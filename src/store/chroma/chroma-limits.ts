import { type ChromaClient, CloudClient } from "chromadb";
import { StoreError } from "../../errors.js";

/** Limits of a Chroma service. Sizes are in bytes of UTF-8. */
export interface ChromaLimits {
  /** Maximum number of records in one write. */
  readonly records: number;
  /** Maximum number of records that one request returns. */
  readonly results: number;
  /** Longest document: an item's value as JSON. */
  readonly documentBytes: number;
  /** Longest text in a record's metadata, and longest name of a metadata key. */
  readonly metadataBytes: number;
  readonly metadataKeyBytes: number;
  readonly metadataKeys: number;
  /** Maximum number of conditions in one filter. */
  readonly predicates: number;
}

/** The default quotas of Chroma Cloud: docs.trychroma.com/cloud/quotas-limits, looked up in November 2026. Ids (128 bytes) are always shorter. */
export const cloudLimits: ChromaLimits = {
  records: 300,
  results: 300,
  documentBytes: 16_384,
  metadataBytes: 4096,
  metadataKeyBytes: 36,
  metadataKeys: 32,
  predicates: 8,
};

/**
 * For your own server, which limits only a request (40 MiB). A memory is a short text; a value of many megabytes is a
 * mistake that would slow down every later search.
 */
export const serverLimits: ChromaLimits = {
  records: 500,
  results: 1000,
  documentBytes: 4 * 2 ** 20,
  metadataBytes: 64 * 2 ** 10,
  metadataKeyBytes: 64 * 2 ** 10,
  metadataKeys: Number.POSITIVE_INFINITY,
  predicates: Number.POSITIVE_INFINITY,
};

/** Bytes that one write request may hold, under the server's own 40 MiB. */
const REQUEST_BYTES = 16 * 2 ** 20;

export function limitsOf(client: ChromaClient): ChromaLimits {
  return client instanceof CloudClient ? cloudLimits : serverLimits;
}

/** @throws StoreError where a text is longer than the service takes. */
export function checkBytes(text: string, most: number, what: string, where: string): void {
  // A character is at most three bytes, so that most texts need no counting.
  if (text.length * 3 <= most) return;
  const bytes = Buffer.byteLength(text);
  if (bytes <= most) return;
  throw new StoreError({
    what: `${what} is too large for the Chroma service`,
    where,
    expected: `at most ${most} bytes`,
    found: `${bytes} bytes`,
    remedy: "store it in parts, or only a reference to it; own servers take more by the option `limits`",
  });
}

/** Cuts what goes into requests by number and, roughly, by size. */
export function pagesOf<T>(all: readonly T[], most: number, bytesOf: (one: T) => number = () => 0): T[][] {
  const pages: T[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const one of all) {
    const own = bytesOf(one);
    const page = pages.at(-1);
    if (page === undefined || page.length >= most || bytes + own > REQUEST_BYTES) {
      pages.push([one]);
      bytes = own;
    } else {
      page.push(one);
      bytes += own;
    }
  }
  return pages;
}
