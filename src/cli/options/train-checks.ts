import { statSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../../errors.js";
import { latestCheckpoint } from "../../train/run/checkpoint.js";
import { METRICS_FILE } from "../../train/run/run-log.js";
import type { TrainVerbOptions } from "./train-options.js";

export function checkTemperature({ temperature }: Pick<TrainVerbOptions, "temperature">): void {
  if (temperature > 0) return;
  throw new UsageError({
    what: "greedy attempts at an item are all equal, and teach nothing",
    where: "--temperature",
    expected: "more than 0",
    found: "0",
    remedy: "leave out --temperature: training samples at 1",
  });
}

export function checkAdapter({ agent, adapterManager, adapterAnswerer }: TrainVerbOptions): void {
  const own = agent === "manager" ? adapterManager : adapterAnswerer;
  if (own === undefined) return;
  throw new UsageError({
    what: `the ${agent} is under training: it begins with a new adapter, or with a run's`,
    where: `--adapter-${agent}`,
    expected: "an adapter of the other agent, which is frozen",
    found: own,
    remedy: "train on with --fork and the folder of the run that made it, or leave it out",
  });
}

export function checkForm({ agent, form }: TrainVerbOptions): void {
  if (agent === "manager" || form === "decisions") return;
  throw new UsageError({
    what: "only a manager lives through whole dialogues",
    where: "--form",
    expected: "--agent manager",
    found: `--agent ${agent}`,
    remedy: "leave out --form: the answerer learns from single questions",
  });
}

export function checkCredit({ credit, agent, form }: TrainVerbOptions): void {
  if (credit === 0 || (agent === "manager" && form === "decisions")) return;
  throw new UsageError({
    what: "only single decisions of a manager are credited by operation",
    where: "--credit",
    expected: "--agent manager --form decisions",
    found: `--agent ${agent} --form ${form}`,
    remedy: "leave out --credit, or train the manager by decisions",
  });
}

export function checkEvidence({ evidence, agent }: TrainVerbOptions): void {
  if (evidence === 0 || agent === "answerer") return;
  throw new UsageError({
    what: "only the answer agent is rewarded for naming memories",
    where: "--evidence",
    expected: "--agent answerer",
    found: `--agent ${agent}`,
    remedy: "leave out --evidence, or train the answerer",
  });
}

/** A new run begins by removing what an old one left. */
export async function checkOut({ out, resume, overwrite }: TrainVerbOptions): Promise<void> {
  if (resume || overwrite) return;
  const checkpoint = await latestCheckpoint(out);
  const size = statSync(join(out, METRICS_FILE), { throwIfNoEntry: false })?.size ?? 0;
  if (checkpoint === undefined && size === 0) return;
  throw new UsageError({
    what: "the folder holds a run already",
    where: out,
    expected: checkpoint === undefined ? "a new folder or --overwrite" : "a new folder, --resume or --overwrite",
    found: checkpoint === undefined ? `${METRICS_FILE} of ${size} bytes` : checkpoint.folder,
    remedy: `pass ${checkpoint === undefined ? "" : "--resume to go on with it, "}--overwrite to lose it, or another --out`,
  });
}
