import { join } from "node:path";
import { z } from "zod";
import { writeJson } from "../atomic-file.js";
import { parseFields, readOptionalJson } from "../json-file.js";

const FILE = "seconds.json";
const pieceSchema = z.object({ step: z.number().int(), seconds: z.number() });

/** Seconds of the training that ended at this step; 0 where the run's folder tells of none. */
export async function readPieceSeconds(run: string, step: number): Promise<number> {
  const file = join(run, FILE);
  const value = await readOptionalJson(file);
  if (value === undefined) return 0;
  const piece = parseFields(pieceSchema, value, file, "remove it: these seconds are not counted then");
  return piece.step === step ? piece.seconds : 0;
}

/** Keeps how long the last piece of training took, beside its checkpoint: whoever validates that may be a later call. */
export const writePieceSeconds = (run: string, step: number, seconds: number): Promise<void> =>
  writeJson(join(run, FILE), { step, seconds });
