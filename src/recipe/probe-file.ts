import { join } from "node:path";
import { writeJson } from "../atomic-file.js";
import { parseFields, readOptionalJson } from "../json-file.js";
import { measuredSchema } from "./mark.js";
import type { Measured } from "./stage.js";

const FILE = "probe.json";

/** What a probe of an earlier call measured, in a recipe's folder; nothing where there was none. */
export async function readProbe(out: string): Promise<Measured> {
  const file = join(out, FILE);
  const value = await readOptionalJson(file);
  return value === undefined ? {} : parseFields(measuredSchema, value, file, `remove ${file} to measure again`);
}

export const writeProbe = (out: string, measured: Measured): Promise<void> => writeJson(join(out, FILE), measured);
