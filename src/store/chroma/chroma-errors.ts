import {
  ChromaConnectionError,
  ChromaForbiddenError,
  ChromaNotFoundError,
  ChromaQuotaExceededError,
  ChromaRateLimitError,
  ChromaUnauthorizedError,
} from "chromadb";
import { MemoryR1Error, messageOf, StoreError } from "../../errors.js";

/** What to do where a server cannot be reached that this package did not start. */
const UNREACHABLE = "start it, or fix CHROMA_URL, or leave CHROMA_URL unset to use the embedded server";

/** The project's typed error for whatever the Chroma client threw while it did `what` at `where`; the cause is kept. */
function chromaError(cause: unknown, what: string, where: string, unreachable = UNREACHABLE): MemoryR1Error {
  if (cause instanceof MemoryR1Error) return cause;
  const found = messageOf(cause);
  if (cause instanceof ChromaConnectionError) {
    return new StoreError({
      what: `${what}: the Chroma server cannot be reached`,
      where,
      expected: "a Chroma server that answers there",
      remedy: unreachable,
      cause,
    });
  }
  if (cause instanceof ChromaUnauthorizedError || cause instanceof ChromaForbiddenError) {
    return new StoreError({
      what: `${what}: the Chroma server refuses access`,
      where,
      found,
      remedy: "pass the `headers` that the server wants, with a token that may use this tenant and database",
      cause,
    });
  }
  if (cause instanceof ChromaNotFoundError) {
    return new StoreError({
      what: `${what}: the collection, database or tenant is not there`,
      where,
      expected: "a tenant and a database that exist, and a collection that nobody deletes",
      remedy: "check `tenant` and `database`; a deleted collection is made anew by the next operation",
      cause,
    });
  }
  if (cause instanceof ChromaQuotaExceededError || cause instanceof ChromaRateLimitError) {
    return new StoreError({
      what: `${what}: the Chroma service has no more room or time for this account`,
      where,
      found,
      remedy: "try again later, or raise the account's quotas; smaller `limits` make smaller requests",
      cause,
    });
  }
  const dimensions = /expecting embedding with dimension of (\d+), got (\d+)/i.exec(found);
  if (dimensions !== null)
    return otherEmbeddings(where, `dimension ${dimensions[1]}`, `dimension ${dimensions[2]}`, cause);
  return new StoreError({ what, where, found, remedy: "see the cause, and the log of the Chroma server", cause });
}

export function otherEmbeddings(where: string, expected: string, found: string, cause?: unknown): StoreError {
  return new StoreError({
    what: "the collection was written with other embeddings",
    where,
    expected: `embeddings with ${expected}`,
    found,
    remedy: "use the embeddings that it was written with, or another collection name",
    cause,
  });
}

/** Runs a call of the Chroma client; what it throws comes out as a StoreError, with this remedy where nobody answers. */
export async function guarded<T>(
  what: string,
  where: string,
  call: () => Promise<T>,
  unreachable?: string,
): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    throw chromaError(cause, what, where, unreachable);
  }
}

/** Whether the error says that the collection is no longer there. */
export function isGone(error: unknown): boolean {
  return error instanceof StoreError && error.cause instanceof ChromaNotFoundError;
}
