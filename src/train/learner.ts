import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeAtomic } from "../atomic-file.js";
import { parseFields, readJson } from "../json-file.js";
import type { LoraOptions, PolicyEngine } from "../model/engine/engine.js";
import { adaptedKlCoefficient } from "./algorithm/kl.js";
import type { PolicyOptions } from "./algorithm/policy-options.js";
import { policyStep } from "./policy-step.js";
import type { RolloutGroup } from "./rollout.js";
import type { StepMetrics } from "./run/metrics.js";
import { streamSeed } from "./seeds.js";

const STATE_FILE = "algorithm.json";
const CRITIC_FOLDER = "critic";
const stateSchema = z.object({ klCoefficient: z.number().nonnegative() });

/** What a run takes over besides the adapter; everything else starts afresh. */
export interface LearnerParts {
  readonly critic: boolean;
  /** The value to which it has adapted. */
  readonly klCoefficient: boolean;
}

/** An agent under training: its adapter, PPO's critic, and the KL coefficient where it is steered. */
export class Learner {
  private klCoefficient: number;

  private constructor(
    private readonly engine: PolicyEngine,
    private readonly adapter: string,
    private readonly options: PolicyOptions,
  ) {
    this.klCoefficient = options.klCoefficient;
  }

  /** Makes the adapter, and the critic where the algorithm has one, under names of their own. */
  static async create(
    engine: PolicyEngine,
    adapter: string,
    lora: LoraOptions,
    options: PolicyOptions,
  ): Promise<Learner> {
    const learner = new Learner(engine, adapter, options);
    await engine.createAdapter(adapter, lora);
    if (options.critic !== null) {
      await engine.createCritic(learner.critic, { ...lora, seed: streamSeed(lora.seed, "critic") });
    }
    return learner;
  }

  async step(groups: readonly RolloutGroup[], seed: number): Promise<StepMetrics> {
    const { critic, klTarget } = this.options;
    const options = { ...this.options, klCoefficient: this.klCoefficient };
    const extras = critic === null ? { seed } : { seed, critic: this.critic };
    const metrics = await policyStep(this.engine, this.adapter, groups, options, extras);
    if (klTarget !== null && metrics.sequenceKl !== undefined) {
      this.klCoefficient = adaptedKlCoefficient(this.klCoefficient, metrics.sequenceKl, klTarget);
    }
    return metrics;
  }

  /** Writes all that the next step depends on into a new folder. */
  async save(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true });
    await this.engine.saveTraining(this.adapter, folder);
    if (this.options.critic !== null) await this.engine.saveTraining(this.critic, join(folder, CRITIC_FOLDER));
    if (this.options.klTarget === null) return;
    const state: z.infer<typeof stateSchema> = { klCoefficient: this.klCoefficient };
    await writeAtomic(join(folder, STATE_FILE), (file) => writeFile(file, JSON.stringify(state)));
  }

  /** Restores what `save` wrote, or the named parts of it. @throws FileError where it is of another algorithm. */
  async load(folder: string, parts: LearnerParts = { critic: true, klCoefficient: true }): Promise<void> {
    await this.engine.loadTraining(this.adapter, folder);
    if (this.options.critic !== null && parts.critic) {
      await this.engine.loadTraining(this.critic, join(folder, CRITIC_FOLDER));
    }
    if (this.options.klTarget === null || !parts.klCoefficient) return;
    const remedy = "resume with the algorithm and the settings of the run that wrote it";
    const file = join(folder, STATE_FILE);
    this.klCoefficient = parseFields(stateSchema, await readJson(file, remedy), file, remedy).klCoefficient;
  }

  private get critic(): string {
    return `critic of ${this.adapter}`;
  }
}
