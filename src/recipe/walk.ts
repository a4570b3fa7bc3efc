import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../errors.js";
import type { Settings } from "../train/run/manifest.js";
import {
  hashOfOutputs,
  hashOutputs,
  readMark,
  requireOutputs,
  requireSameStage,
  type StageMark,
  writeMark,
} from "./mark.js";
import type { Stage, StageRun } from "./stage.js";

export interface WalkOptions extends Pick<StageRun, "print" | "progress" | "seconds" | "signal"> {
  /** Each stage has a folder in it. */
  readonly out: string;
  /** Only this stage; those that it needs must be done. */
  readonly only?: string;
}

/** Reads what is there of each stage, and checks it. Changes nothing. @throws UsageError or FileError as `walkStages` does. */
export async function stageMarks(stages: readonly Stage[], out: string): Promise<Map<string, StageMark>> {
  const marks = new Map<string, StageMark>();
  for (const stage of stages) {
    const folder = join(out, stage.name);
    const mark = await readMark(folder);
    if (mark === undefined) continue;
    // What a stage would be made of is known once all its inputs are done.
    const settings = settingsOf(stage, marks);
    requireSameStage(mark, settings ?? { ...inputsOf(mark), ...stage.settings }, folder);
    if (mark.state === "done") await requireOutputs(mark, folder);
    marks.set(stage.name, mark);
  }
  return marks;
}

/**
 * Does the stages in their order, each in its folder of `out`. Those that are done are passed over; one that was stopped goes on where it was.
 * @throws UsageError where a stage was begun with other settings or needs one that is not done, and FileError where an output was damaged.
 */
export async function walkStages(stages: readonly Stage[], options: WalkOptions): Promise<void> {
  const { out, only, print, signal, seconds } = options;
  const marks = await stageMarks(stages, out);
  const chosen = only === undefined ? stages : [stageOf(stages, only)];
  for (const stage of chosen) {
    const place = `[${stages.indexOf(stage) + 1}/${stages.length}] ${stage.name}`;
    const folder = join(out, stage.name);
    const mark = marks.get(stage.name);
    // An input that this walk has done anew may be another one than the stage was made of.
    const now = settingsOf(stage, marks);
    if (mark !== undefined && now !== undefined) requireSameStage(mark, now, folder);
    if (mark?.state === "done") {
      print(`${place}: done already`);
      continue;
    }
    const settings = requireInputs(stage, marks, out);
    signal.throwIfAborted();
    print(`${place}: ${mark === undefined ? "" : "going on: "}${stage.what}`);
    await mkdir(folder, { recursive: true });
    const common = { version: 1, stage: stage.name, settings } as const;
    await writeMark(folder, { ...common, state: "begun", outputs: {}, seconds: 0, measured: {} });
    const started = seconds();
    const { outputs, measured } = await stage.run({ ...options, folder, input: (name) => join(out, name) });
    const took = seconds() - started;
    const hashes = await hashOutputs(folder, outputs);
    const done: StageMark = { ...common, state: "done", outputs: hashes, seconds: took, measured };
    await writeMark(folder, done);
    marks.set(stage.name, done);
    print(`${place}: done in ${Math.round(took)} s`);
  }
}

/** @throws UsageError where there is no stage of this name. */
export function stageOf(stages: readonly Stage[], name: string): Stage {
  const found = stages.find((stage) => stage.name === name);
  if (found !== undefined) return found;
  throw new UsageError({
    what: "the recipe has no such stage",
    where: "only (--stage)",
    expected: stages.map((stage) => stage.name).join(", "),
    found: name,
    remedy: "pass one of those",
  });
}

function requireInputs(stage: Stage, marks: ReadonlyMap<string, StageMark>, out: string): Settings {
  const settings = settingsOf(stage, marks);
  if (settings !== undefined) return settings;
  const open = stage.needs.filter((name) => marks.get(name)?.state !== "done");
  throw new UsageError({
    what: `stage ${stage.name} needs stages that are not done`,
    where: out,
    expected: `${stage.needs.join(", ")} to be done`,
    found: `not done: ${open.join(", ")}`,
    remedy: `run only (--stage) ${open[0]} before, or leave it out to do all in their order`,
  });
}

/** A stage's settings with the hashes of its inputs; undefined where an input is not done. */
function settingsOf(stage: Stage, marks: ReadonlyMap<string, StageMark>): Settings | undefined {
  const inputs: Record<string, string> = {};
  for (const name of stage.needs) {
    const mark = marks.get(name);
    if (mark?.state !== "done") return undefined;
    inputs[`input.${name}`] = hashOfOutputs(mark);
  }
  return { ...inputs, ...stage.settings };
}

const inputsOf = ({ settings }: StageMark): Settings =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => name.startsWith("input.")));
