import { join } from "node:path";
import { z } from "zod";
import { writeAtomic } from "../atomic-file.js";
import { type Dialogue, dialogueSchema } from "../evaluate/dialogue.js";
import { EvaluationLog } from "../evaluate/evaluation-log.js";
import { extractDialogueFacts } from "../evaluate/extract-facts.js";
import { parseFields, readJson } from "../json-file.js";
import type { Settings } from "../train/run/manifest.js";
import { dataSettings, type RecipeContext, type Splits, splits, turnsOf } from "./context.js";
import type { Stage } from "./stage.js";
import { FACTS } from "./stage-names.js";

const FILE = "dialogues.json";

const fileSchema = z.object({
  train: z.array(dialogueSchema),
  validation: z.array(dialogueSchema),
  test: z.array(dialogueSchema),
});

/** The facts of every turn of all conversations, found once, so that all agents are trained and compared on the same ones. */
export function factsStage(context: RecipeContext, common: Settings): Stage {
  const { data, base, prompts, options } = context;
  const all = splits.flatMap((split) => data[split]);
  const asked = options.facts === "model";
  return {
    name: FACTS,
    what: asked ? `find the facts of ${turnsOf(all)} turns` : "take the facts that the data has",
    needs: [],
    settings: { ...(asked ? common : {}), facts: options.facts, ...dataSettings(data) },
    work: asked ? { extraction: turnsOf(all) } : {},
    async run({ folder, progress, seconds, signal }) {
      if (!asked) {
        await write(folder, data);
        return { outputs: [FILE], measured: {} };
      }
      const log = new EvaluationLog(join(folder, "facts.jsonl"));
      try {
        log.require("facts", { ...common });
        const started = seconds();
        const known = all.reduce(
          (sum, { id, turns }) => sum + turns.filter((turn) => log.facts(id, turn.id) !== undefined).length,
          0,
        );
        const find = async (split: keyof Splits): Promise<Dialogue[]> => {
          const found = await extractDialogueFacts(data[split], base, {
            prompts,
            concurrency: 8 * options.concurrency,
            log,
            signal,
            onProgress: (done) => progress(`facts of ${split}`, done),
          });
          return found.dialogues;
        };
        await write(folder, {
          train: await find("train"),
          validation: await find("validation"),
          test: await find("test"),
        });
        const count = turnsOf(all) - known;
        return {
          outputs: [FILE],
          measured: count === 0 ? {} : { extraction: { count, seconds: seconds() - started } },
        };
      } finally {
        log.close();
      }
    },
  };
}

/** The dialogues with the facts of their turns, as the stage left them. */
export async function readFacts(folder: string): Promise<Splits> {
  const file = join(folder, FILE);
  const remedy = `remove ${folder} to do this stage anew`;
  return parseFields(fileSchema, await readJson(file, remedy), file, remedy);
}

const write = (folder: string, data: Splits): Promise<void> =>
  writeAtomic(join(folder, FILE), (file) => file.writeFile(`${JSON.stringify(data)}\n`));
