import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Choice, type Contestant, openContestant } from "./cpu-contestants.js";

/**
 * A contestant in a process of its own: two versions of one native library in the same process would be one, and idle threads of one
 * runtime would be in another's way. This file is also the script of that process.
 */
export class ContestantProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly about: Pick<Contestant, "name" | "precision">,
  ) {}

  static async open(choice: Choice): Promise<ContestantProcess> {
    const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(choice)]);
    return new ContestantProcess(child, await answer<Contestant>(child));
  }

  /** Seconds are measured there, without the way between processes. */
  generate(prompts: readonly (readonly number[])[], newTokens: number): Promise<Generated> {
    this.child.send({ prompts, newTokens } satisfies Order);
    return answer(this.child);
  }

  async close(): Promise<void> {
    this.child.disconnect();
    await once(this.child, "exit");
  }
}

interface Order {
  readonly prompts: readonly (readonly number[])[];
  readonly newTokens: number;
}

export interface Generated {
  readonly ids: number[][];
  readonly seconds: number;
}

async function answer<T>(child: ChildProcess): Promise<T> {
  const stop = new AbortController();
  const ended = once(child, "exit", { signal: stop.signal }).then(() => {
    throw new Error("the contestant's process ended; what it said is above");
  });
  ended.catch(() => undefined);
  try {
    const [message] = await Promise.race([once(child, "message", { signal: stop.signal }), ended]);
    return message as T;
  } finally {
    stop.abort();
  }
}

if (process.send !== undefined && process.argv[1] === fileURLToPath(import.meta.url)) {
  const contestant = await openContestant(JSON.parse(process.argv[2]!) as Choice);
  process.on("disconnect", () => void contestant.close().then(() => process.exit()));
  process.on("message", async ({ prompts, newTokens }: Order) => {
    const start = performance.now();
    const ids = await contestant.generate(prompts, newTokens);
    process.send!({ ids, seconds: (performance.now() - start) / 1000 } satisfies Generated);
  });
  process.send({ name: contestant.name, precision: contestant.precision });
}
