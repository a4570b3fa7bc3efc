import { join } from "node:path";
import type { Command } from "commander";
import { openStore } from "../store/open-store.js";
import { LexicalEmbeddings } from "../store/search/lexical-embeddings.js";
import { working } from "./exit.js";
import { openModels } from "./options/models.js";
import { plainCommand, positive, wholeNumber } from "./options/options.js";
import { Tour, type TourOptions, tourSettings } from "./tour.js";

/** `out` has a default that names the seed. */
type StartOptions = Omit<TourOptions, "out"> & { readonly out?: string };

export function startVerb(): Command {
  return plainCommand(
    "start",
    "From a dialogue to two trained agents, on the embedded tiny model: record, train the manager, train the answerer, compare.",
    "memory-r1 start --seed 2",
  )
    .option("--seed <n>", "of everything random", wholeNumber, 1)
    .option(
      "--out <dir>",
      "folder for episodes, adapters and metrics; an earlier tour there is replaced (default: runs/start-SEED)",
    )
    .option("--dialogues <n>", "generated dialogues to learn from", positive, 12)
    .option("--test-dialogues <n>", "held-out dialogues of other people, facts and phrasings", positive, 8)
    .option("--manager-steps <n>", "training steps of the memory manager", positive, 18)
    .option("--answerer-steps <n>", "training steps of the answer agent", positive, 12)
    .action((options: StartOptions) => working(() => start(options)));
}

async function start(options: StartOptions): Promise<void> {
  const models = await openModels({ ...tourSettings, seed: options.seed, device: "cpu", temperature: 0 });
  const embeddings = new LexicalEmbeddings();
  const out = options.out ?? join("runs", `start-${options.seed}`);
  const opened = await openStore({ embeddings, fields: ["text"], path: join(out, "chroma") });
  try {
    await new Tour({ ...options, out }, models, opened, embeddings).walk();
  } finally {
    await opened.close();
    await models.close();
  }
}
