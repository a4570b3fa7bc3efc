import { resolve } from "node:path";
import { UsageError } from "../../errors.js";
import { hashFile } from "../../hash.js";
import type { LearnerParts } from "../learner.js";
import { type SettledTrainOptions, settledOptions, type TrainOptions } from "../train-options.js";
import { type FoundCheckpoint, findCheckpoint, latestCheckpoint, openCheckpoint } from "./checkpoint.js";
import type { CursorState } from "./cursor.js";
import { manifestFile, type Origin, type Settings } from "./manifest.js";
import { differences, requireSame, settingsOf } from "./run-settings.js";

/** Where a run starts, and with what. */
export interface StartingPoint {
  readonly settings: Settings;
  /** Steps that are done. */
  readonly step: number;
  /** Position in the data. Absent: at the beginning. */
  readonly cursor?: CursorState;
  /** The checkpoint whose weights, moments and metrics the run starts with; absent for a new run. */
  readonly checkpoint?: { readonly folder: string; readonly parts: LearnerParts };
  readonly origin: Origin | null;
}

const KEPT_BY_FORKS = /^(model|lora)\./;
const RESTARTS_DATA = /^(seed$|task\.)/;
const STEERS_KL = /^algorithm\.(kl|critic)/;

/**
 * Reads and checks everything that a run starts from; changes nothing.
 * @throws UsageError if settings do not fit the checkpoint, FileError if there is none or it is damaged.
 */
export async function startingPoint(given: TrainOptions): Promise<StartingPoint> {
  const options = settledOptions(given);
  const { resume, fork, out, steps } = options;
  requireGroups(options);
  const settings = await settingsOf(options);
  if (fork !== undefined) {
    if (resume) {
      throw new UsageError({
        what: "a run either goes on or starts from another",
        where: "fork (--fork)",
        found: "resume (--resume) too",
        remedy: "leave out one of them; a fork that was stopped goes on with resume (--resume) alone",
      });
    }
    return forked(await findCheckpoint(fork), options, settings);
  }
  if (!resume) return { settings, step: 0, origin: null };
  const latest = await latestCheckpoint(out);
  if (latest === undefined) {
    throw new UsageError({
      what: "there is no checkpoint to go on from",
      where: out,
      remedy: "pass the folder of a run that has reached its first checkpoint, or leave out resume (--resume)",
    });
  }
  const manifest = await openCheckpoint(latest);
  const remedy = `give the checkpoint's settings, or start another run from it: fork (--fork) ${latest.folder} with another out (--out)`;
  requireSame(differences(manifest.settings, settings), latest.folder, remedy);
  requireSteps(steps, latest);
  const { step, cursor, origin } = manifest;
  const parts = { critic: true, klCoefficient: true };
  return { settings, step, cursor, checkpoint: { folder: latest.folder, parts }, origin };
}

/** One attempt has no other to be better than; only a critic can judge it. */
function requireGroups({ groupSize, algorithm }: SettledTrainOptions): void {
  if (groupSize > 1 || algorithm.critic !== null) return;
  throw new UsageError({
    what: "groups of one attempt teach nothing without a critic",
    where: "groupSize (--group)",
    expected: "at least 2",
    found: String(groupSize),
    remedy: "raise groupSize (--group), or pass an algorithm with a critic (--algorithm ppo)",
  });
}

async function forked(found: FoundCheckpoint, options: TrainOptions, settings: Settings): Promise<StartingPoint> {
  const { folder } = found;
  const manifest = await openCheckpoint(found);
  if (resolve(folder, "..") === resolve(options.out)) {
    throw new UsageError({
      what: "a fork needs a folder of its own",
      where: options.out,
      remedy: "pass another out (--out), or resume (--resume) to go on in this one",
    });
  }
  const changed = differences(manifest.settings, settings);
  const held = changed.filter(({ setting }) => KEPT_BY_FORKS.test(setting) && setting !== "lora.seed");
  requireSame(held, folder, "fork with the model and the adapter's rank and alpha that its weights were learned with");
  requireSteps(options.steps, found);
  const touches = (names: RegExp) => changed.some(({ setting }) => names.test(setting));
  const parts = { critic: "critic/training.safetensors" in manifest.files, klCoefficient: !touches(STEERS_KL) };
  return {
    settings,
    step: manifest.step,
    // Another order or other items: what is left of the old epoch means nothing.
    ...(touches(RESTARTS_DATA) ? {} : { cursor: manifest.cursor }),
    checkpoint: { folder, parts },
    origin: { folder, step: manifest.step, manifest: (await hashFile(manifestFile(folder))).sha256, changed },
  };
}

function requireSteps(steps: number, { step, folder }: FoundCheckpoint): void {
  if (steps >= step) return;
  throw new UsageError({
    what: "the run has gone further than it is to go",
    where: folder,
    expected: `steps (--steps) of ${step} or more`,
    found: String(steps),
    remedy: "raise steps (--steps): it counts from the run's beginning",
  });
}
