import { EngineError, UsageError } from "../../errors.js";
import type { Checkpoint } from "../checkpoint/weights.js";
import type { LoraOptions } from "./engine.js";
import * as sets from "./parameter-set.js";

/** The name by which the checkpoint's own weights are trained, instead of an adapter. */
export const FULL = "full";

/** The adapters and critics of one checkpoint, by name. */
export class ParameterSets {
  private readonly named = new Map<string, sets.ParameterSet>();
  /** Names of sets that are neither as they were nor as they should have become. */
  private readonly lost = new Set<string>();
  private readonly base: sets.ParameterSet;

  constructor(private readonly checkpoint: Checkpoint) {
    this.base = sets.zeroLora(checkpoint.config);
  }

  createAdapter(name: string, options: LoraOptions): void {
    this.put(name, sets.newLora(this.checkpoint.config, options));
  }

  createCritic(name: string, options: LoraOptions): void {
    this.put(name, sets.newCritic(this.checkpoint.config, options));
  }

  async loadAdapter(name: string, folder: string): Promise<void> {
    this.put(name, await sets.readLora(this.checkpoint.config, folder));
  }

  copyAdapter(from: string, to: string): void {
    this.put(to, sets.copySet(this.set(from)));
  }

  async saveAdapter(name: string, folder: string): Promise<void> {
    const set = this.policy(name);
    if (set.kind === "full") await sets.writeFull(set, this.checkpoint, folder);
    else await sets.writeLora(this.checkpoint.config, set, folder);
  }

  async saveTraining(name: string, folder: string): Promise<void> {
    await sets.writeTraining(this.set(name), folder);
  }

  /** Returns the number of updates that the restored policy has had. */
  async loadTraining(name: string, folder: string): Promise<number> {
    const set = this.set(name);
    await sets.readTraining(set, folder);
    return set.updates;
  }

  /** Half a step is not to be used or saved: the set is refused until one of its name is made anew. */
  lose(name: string): void {
    this.named.delete(name);
    this.lost.add(name);
  }

  /** Without a name, the checkpoint itself. @throws UsageError for a critic, or for a name that nothing has. */
  policy(name: string | undefined): sets.ParameterSet {
    if (name === undefined) return this.base;
    const set = this.set(name);
    if (set.kind === "critic") throw wrongKind(name, "a policy", "a critic", "pass the name of the policy's adapter");
    return set;
  }

  /** @throws UsageError for a policy, or for a name that nothing has. */
  critic(name: string): sets.ParameterSet {
    const set = this.set(name);
    if (set.kind !== "critic") throw wrongKind(name, "a critic", "a policy", "make one with createCritic");
    return set;
  }

  private put(name: string, set: sets.ParameterSet): void {
    this.named.set(name, set);
    this.lost.delete(name);
  }

  private set(name: string): sets.ParameterSet {
    if (this.lost.has(name)) {
      throw new EngineError({
        what: `"${name}" was lost in a step that ended halfway`,
        remedy: "open the engine again and go on from the last checkpoint",
      });
    }
    if (name === FULL && !this.named.has(FULL)) this.named.set(FULL, sets.fullSet(this.checkpoint));
    const set = this.named.get(name);
    if (set === undefined) {
      throw new UsageError({
        what: `no adapter of the name "${name}"`,
        expected: [...this.named.keys()].join(", ") || "an adapter to be created or loaded first",
        remedy: "call createAdapter or loadAdapter before",
      });
    }
    return set;
  }
}

function wrongKind(name: string, expected: string, found: string, remedy: string): UsageError {
  return new UsageError({ what: `"${name}" cannot do this`, expected, found, remedy });
}
