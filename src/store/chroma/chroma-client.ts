import { ChromaClient, CloudClient } from "chromadb";
import { StoreError, UsageError } from "../../errors.js";
import { guarded } from "./chroma-errors.js";

export interface ChromaAccess {
  /** Default: Chroma's "default_tenant" and "default_database". Both must already exist. */
  readonly tenant?: string;
  readonly database?: string;
  /** Sent with each request, such as { authorization: "Bearer …" } or { "x-chroma-token": "…" }. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Versions of the server that speak the interface of the client this package uses. */
const MAJOR = 1;

/**
 * A client for the Chroma server at `url`, such as "http://127.0.0.1:8000". Connects to nothing yet.
 * @throws UsageError if the URL is invalid, is not http(s), or has a path (Chroma's client cannot use one).
 */
export function chromaClient(url: string, { tenant, database, headers }: ChromaAccess = {}): ChromaClient {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol) || !/^(\/|\/api\/v2\/?)$/.test(parsed.pathname)) {
    throw new UsageError({
      what: "the Chroma URL is not valid",
      where: url,
      expected: "http://HOST:PORT or https://HOST:PORT",
      remedy: "fix CHROMA_URL",
    });
  }
  const ssl = parsed.protocol === "https:";
  return new ChromaClient({
    host: parsed.hostname,
    port: Number(parsed.port || (ssl ? 443 : 80)),
    ssl,
    ...(tenant === undefined ? {} : { tenant }),
    ...(database === undefined ? {} : { database }),
    ...(headers === undefined ? {} : { headers: { ...headers } }),
  });
}

/**
 * Resolves when a Chroma server answers whose version this package supports.
 * @throws StoreError if none does, or if what answers is not a Chroma server with the v2 interface.
 */
export async function checkServer(client: ChromaClient, where: string, unreachable?: string): Promise<void> {
  const heartbeat = await guarded("asking for a heartbeat", where, () => client.heartbeat(), unreachable);
  if (typeof heartbeat !== "number") {
    throw new StoreError({
      what: "the server that answers does not speak Chroma's interface",
      where,
      expected: "a heartbeat in nanoseconds from /api/v2/heartbeat",
      found: typeof heartbeat,
      remedy: "fix CHROMA_URL, or leave it unset to use the embedded server",
    });
  }
  // Chroma Cloud is always of today.
  if (client instanceof CloudClient) return;
  const version = await guarded("asking for the version", where, () => client.version(), unreachable);
  if (Number.parseInt(version, 10) === MAJOR) return;
  throw new StoreError({
    what: "the Chroma server has a version that this package does not know",
    where,
    expected: `${MAJOR}.x`,
    found: String(version),
    remedy: "run a Chroma server of that version, or leave CHROMA_URL unset to use the embedded one",
  });
}
