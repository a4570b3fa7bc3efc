import { UsageError } from "../../errors.js";
import type { Change, RetrievedMemory, Turn } from "../../trace/episode.js";
import type { ApplyOptions } from "./bank-options.js";
import type { Operation } from "./operation.js";
import { withoutRecalled } from "./recalled.js";
import { memoryValue } from "./scored-memory.js";

type PlanOptions = Required<Pick<ApplyOptions, "order" | "key" | "words">>;

/** What a decision that is more than NOOPs changes; `before` is what was retrieved. @throws UsageError for what was not retrieved. */
export function planChanges(
  operations: readonly Operation[],
  retrieved: readonly RetrievedMemory[],
  turn: Turn,
  { order, key, words }: PlanOptions,
): Change[] {
  const heard = withoutRecalled(turn.text);
  const at = { time: turn.time, source: turn.id, order };
  const told = (text: string) => ({ text, ...at, ...(words && !text.includes(heard) ? { said: heard } : {}) });
  const known = new Map(retrieved.map((memory) => [memory.alias, memory]));
  let added = 0;
  return operations.flatMap((operation): Change[] => {
    if (operation.event === "NOOP") return [];
    if (operation.event === "ADD") {
      const after = { speaker: turn.speaker, ...told(operation.text) };
      return [{ event: "ADD", key: key(added++), before: null, after }];
    }
    const memory = known.get(operation.id);
    if (memory === undefined) {
      throw new UsageError({
        what: `${operation.event} names a memory that was not retrieved`,
        where: `turn ${turn.id}`,
        expected: known.size === 0 ? "only ADD" : [...known.keys()].join(", "),
        found: operation.id,
        remedy: "read the model's text with parseOperations, which refuses such operations",
      });
    }
    const before = memoryValue(memory);
    const after = operation.event === "DELETE" ? null : { speaker: before.speaker, ...told(operation.text) };
    return [{ event: operation.event, key: memory.key, before, after }];
  });
}
