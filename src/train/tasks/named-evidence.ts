import type { EvidenceHolders } from "../../trace/evidence-holders.js";

/** F1 of the named memories as a choice of those that hold evidence: of those named the share that hold any, of the turns held the share that is named. */
export function namedEvidence(named: readonly string[], holders: EvidenceHolders): number {
  const right = new Set(holders.flat());
  const hits = named.filter((alias) => right.has(alias)).length;
  if (hits === 0) return 0;
  const precision = hits / named.length;
  const recall = holders.filter((aliases) => aliases.some((alias) => named.includes(alias))).length / holders.length;
  return (2 * precision * recall) / (precision + recall);
}
