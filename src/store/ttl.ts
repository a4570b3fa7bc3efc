import { UsageError } from "../errors.js";

/** How long items live, as LangGraph's Python base has it (`TTLConfig`). Times are in minutes. */
export interface TtlOptions {
  /** Of items that are put without a `ttl` of their own. Default: for ever. */
  readonly defaultTtl?: number;
  /** Whether get and search begin an item's time anew, where they don't say so themselves. Default true. */
  readonly refreshOnRead?: boolean;
  /** Whether items that have expired are hidden before a sweep deletes them. Default false. */
  readonly omitExpired?: boolean;
  /** How often `start()` makes the store sweep, until `stop()`; at least every 24 days. Default: never. */
  readonly sweepIntervalMinutes?: number;
}

/** What a put may say beyond LangGraph's PutOperation. */
export interface TtlPutOptions {
  /** Minutes that the item lives after each write and read; null: for ever. Default: the store's `defaultTtl`. */
  readonly ttl?: number | null;
}

/** What a get or a search may say beyond LangGraph's operations. */
export interface TtlReadOptions {
  /** Whether this read begins the time of what it returns anew. Default: the store's `refreshOnRead`. */
  readonly refreshTtl?: boolean;
}

/** Of reads that renew the time to live of nothing. */
export const UNTOUCHED: TtlReadOptions = { refreshTtl: false };

const MINUTE = 60_000;
/** The longest that `setInterval` waits, in milliseconds: beyond, it would not wait at all. */
const LONGEST_INTERVAL = 2 ** 31 - 1;

/** The minutes of a put; undefined: for ever. @throws UsageError for a time that is none. */
export function ttlOf({ ttl }: TtlPutOptions, { defaultTtl }: TtlOptions): number | undefined {
  const minutes = ttl === undefined ? defaultTtl : (ttl ?? undefined);
  if (minutes === undefined || isTime(minutes)) return minutes;
  throw new UsageError({
    what: "the time to live is not valid",
    where: "ttl",
    expected: "minutes above 0, or null for ever",
    found: String(minutes),
    remedy: "Delete the item if it should not live at all.",
  });
}

/** Milliseconds between two sweeps; undefined: never. @throws UsageError for a time that is none. */
export function sweepInterval({ sweepIntervalMinutes: minutes }: TtlOptions): number | undefined {
  if (minutes === undefined) return undefined;
  if (isTime(minutes)) return Math.min(minutes * MINUTE, LONGEST_INTERVAL);
  throw new UsageError({
    what: "the time between two sweeps is not valid",
    where: "ttl.sweepIntervalMinutes",
    expected: "minutes above 0",
    found: String(minutes),
    remedy: "Leave it out if nothing is to be swept.",
  });
}

function isTime(minutes: number): boolean {
  return Number.isFinite(minutes) && minutes > 0;
}
