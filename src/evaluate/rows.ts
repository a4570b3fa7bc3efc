import { UsageError } from "../errors.js";

/** What stands in for a memory bank: nothing, BM25's best raw turns, the evidence turns, or all turns. */
const turnContexts = ["none", "bm25", "evidence", "full"] as const;
export type TurnContext = (typeof turnContexts)[number];

/** Who keeps a bank: a model, without or with its adapter, or a control that uses none. */
export type ManagerKind = "base" | "trained" | "add-only" | "noop";

export type AnswererKind = "base" | "trained";

/** One line of an evaluation's table: whose memories are read, and by whom. */
export type Row = { readonly name: string; readonly answerer: AnswererKind } & (
  | { readonly memory: "bank"; readonly manager: ManagerKind }
  /** "plain" asks shortly for a phrase; "agent" asks as the Answer Agent is asked. */
  | { readonly memory: "turns"; readonly context: TurnContext; readonly prompt: "plain" | "agent" }
);

/** All rows, in the order of tables: controls over raw turns, controls over banks, the agents. */
export const rows: readonly Row[] = [
  ...turnContexts.flatMap((context): Row[] => {
    const common = { memory: "turns", context } as const;
    return [
      { ...common, name: context, prompt: "plain", answerer: "base" },
      { ...common, name: `${context}-agent`, prompt: "agent", answerer: "base" },
      { ...common, name: `${context}-answerer`, prompt: "agent", answerer: "trained" },
    ];
  }),
  { name: "base", memory: "bank", manager: "base", answerer: "base" },
  { name: "ADD-only", memory: "bank", manager: "add-only", answerer: "base" },
  { name: "ADD-only-answerer", memory: "bank", manager: "add-only", answerer: "trained" },
  { name: "NOOP", memory: "bank", manager: "noop", answerer: "base" },
  { name: "manager", memory: "bank", manager: "trained", answerer: "base" },
  { name: "answerer", memory: "bank", manager: "base", answerer: "trained" },
  { name: "both", memory: "bank", manager: "trained", answerer: "trained" },
];

/** What each row is, for help texts. */
export const rowHelp = `
Rows (--rows): whose memories are read, and by whom.
  none, bm25, evidence, full      no memory, 30 raw turns of each speaker by BM25, the turns that hold the answer, all
                                  turns; the base model, asked for a short phrase
  none-agent, bm25-agent, …       the same turns, asked as the answer agent is asked; base model
  none-answerer, bm25-answerer, … the same, with --adapter-answerer
  base                            untrained manager and answerer
  ADD-only, NOOP                  a manager that keeps every fact, or none; base answerer
  ADD-only-answerer               a manager that keeps every fact, with --adapter-answerer
  manager, answerer, both         with --adapter-manager, with --adapter-answerer, with both`;

export const usesTrainedManager = (row: Row): boolean => row.memory === "bank" && row.manager === "trained";

export const usesTrainedAnswerer = (row: Row): boolean => row.answerer === "trained";

/** The rows of these names, which may be joined by commas, in the table's order; letter case does not matter. @throws UsageError for another name. */
export function chooseRows(given: readonly string[]): Row[] {
  const names = given.flatMap((name) => name.split(",")).filter((name) => name !== "");
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  const known = new Set(rows.map(({ name }) => name.toLowerCase()));
  const unknown = names.filter((name) => !known.has(name.toLowerCase()));
  if (unknown.length > 0) {
    throw new UsageError({
      what: "there is no such row",
      where: "rows (--rows)",
      expected: rows.map(({ name }) => name).join(", "),
      found: unknown.join(", "),
      remedy: "pass some of those names",
    });
  }
  return rows.filter(({ name }) => wanted.has(name.toLowerCase()));
}
