import { UsageError } from "../../errors.js";
import { hashText, hashWeights } from "../../hash.js";
import { deviceKind } from "../../onnx/device.js";
import type { SettledTrainOptions } from "../train-options.js";
import type { Origin, Settings } from "./manifest.js";

type Difference = Origin["changed"][number];

type SettledOptions = Pick<
  SettledTrainOptions,
  "engine" | "lora" | "task" | "batchSize" | "groupSize" | "temperature" | "seed" | "algorithm" | "settings"
>;

/** What a training run's numbers follow from, flat: two runs with equal settings give equal bytes. How long it runs is not among them. */
export async function settingsOf(options: SettledOptions): Promise<Settings> {
  const { engine, lora, task, batchSize, groupSize, temperature, seed, algorithm, settings } = options;
  const { architecture, parameters, device, precision, folder } = engine.info;
  return flat({
    seed,
    model: { architecture, parameters, weights: await hashWeights(folder) },
    device: deviceKind(device),
    precision,
    lora,
    task: { name: task.name, items: task.items.length, itemIds: hashText(JSON.stringify(task.items)), ...settings },
    batchSize,
    groupSize,
    temperature,
    algorithm,
  });
}

export function differences(from: Settings, to: Settings): Difference[] {
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort();
  return names
    .filter((setting) => from[setting] !== to[setting])
    .map((setting) => ({
      setting,
      ...(setting in from ? { from: from[setting] } : {}),
      ...(setting in to ? { to: to[setting] } : {}),
    }));
}

/** @throws UsageError that names every setting in which a run differs from the checkpoint that it is to go on from, with both values. */
export function requireSame(differing: readonly Difference[], checkpoint: string, remedy: string): void {
  if (differing.length === 0) return;
  const list = (side: "from" | "to") =>
    differing.map((each) => `${each.setting} ${JSON.stringify(each[side]) ?? "absent"}`).join(", ");
  throw new UsageError({
    what: "the settings differ from the checkpoint's",
    where: checkpoint,
    expected: list("from"),
    found: list("to"),
    remedy,
  });
}

/** Nested fields under names with dots. JSON has no infinity: it is a text here. */
export function flat(value: unknown, name = ""): Settings {
  if (typeof value === "object" && value !== null) {
    const parts = Object.entries(value).map(([key, part]) => flat(part, name === "" ? key : `${name}.${key}`));
    return Object.assign({}, ...parts) as Settings;
  }
  if (value === undefined) return {};
  const plain = value === null || typeof value === "boolean" || Number.isFinite(value);
  return { [name]: plain ? (value as null | boolean | number) : String(value) };
}
