import { UsageError } from "../errors.js";

/** Time to live of items, as in LangGraph for Python (`TTLConfig`). Times are in minutes. */
export interface TtlOptions {
  /** For items that are put without their own `ttl`. Default: for ever. */
  readonly defaultTtl?: number;
  /** Whether get and search renew an item's time to live, unless the call says otherwise. Default true. */
  readonly refreshOnRead?: boolean;
  /** Whether expired items are hidden until a sweep deletes them. Default false. */
  readonly omitExpired?: boolean;
  /** Interval of the sweeps between `start()` and `stop()`, capped at 24 days. Default: never. */
  readonly sweepIntervalMinutes?: number;
}

/** Options of a put beyond LangGraph's PutOperation. */
export interface TtlPutOptions {
  /** Minutes that the item lives after each write and read; null: for ever. Default: the store's `defaultTtl`. */
  readonly ttl?: number | null;
}

/** Options of a get or a search beyond LangGraph's operations. */
export interface TtlReadOptions {
  /** Whether this read renews the time to live of what it returns. Default: the store's `refreshOnRead`. */
  readonly refreshTtl?: boolean;
}

/** Options of reads that renew no time to live. */
export const UNTOUCHED: TtlReadOptions = { refreshTtl: false };

const MINUTE = 60_000;
/** The longest that `setInterval` waits, in milliseconds: beyond, it would not wait at all. */
const LONGEST_INTERVAL = 2 ** 31 - 1;

/** Time to live of a put in minutes; undefined: for ever. @throws UsageError unless it is a finite positive number. */
export function ttlOf({ ttl }: TtlPutOptions, { defaultTtl }: TtlOptions): number | undefined {
  const minutes = ttl === undefined ? defaultTtl : (ttl ?? undefined);
  if (minutes === undefined || isTime(minutes)) return minutes;
  throw new UsageError({
    what: "the time to live is not valid",
    where: "ttl",
    expected: "minutes above 0, or null for ever",
    found: String(minutes),
    remedy: "delete the item if it should not live at all",
  });
}

/** Milliseconds between two sweeps; undefined: never. @throws UsageError unless it is a finite positive number. */
export function sweepInterval({ sweepIntervalMinutes: minutes }: TtlOptions): number | undefined {
  if (minutes === undefined) return undefined;
  if (isTime(minutes)) return Math.min(minutes * MINUTE, LONGEST_INTERVAL);
  throw new UsageError({
    what: "the time between two sweeps is not valid",
    where: "ttl.sweepIntervalMinutes",
    expected: "minutes above 0",
    found: String(minutes),
    remedy: "leave it out if nothing is to be swept",
  });
}

function isTime(minutes: number): boolean {
  return Number.isFinite(minutes) && minutes > 0;
}
