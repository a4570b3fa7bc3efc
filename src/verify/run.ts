import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { z } from "zod";
import { FileError } from "../errors.js";
import { parseFields, readJson } from "../json-file.js";
import { type ChatFile, type ChatOptions, chatFileSchema, checkChatFile } from "./chat-file.js";
import type { Check } from "./check.js";
import { checkEngine } from "./engine-checks.js";
import { checkMetricsFile, metricsFileSchema } from "./metrics-file.js";
import { checkReferenceFolder } from "./reference-folder.js";

/** What a path holds, told by its form. */
type Input =
  | { readonly kind: "reference"; readonly path: string }
  | { readonly kind: "chat"; readonly path: string; readonly chats: ChatFile }
  | { readonly kind: "metrics"; readonly path: string; readonly rows: z.infer<typeof metricsFileSchema> };

const remedy =
  "pass a folder with config.json, expected.json and expected.safetensors, a list of predictions with their metrics, or an object of chats by model";

/** All checks of all paths, as they are made. @throws FileError before the first check where a path holds nothing that can be checked. */
export async function* verify(paths: readonly string[], options: ChatOptions): AsyncGenerator<Check> {
  const inputs = await Promise.all(paths.map(recognise));
  for (const input of inputs) yield* checks(input, options);
}

async function* checks(input: Input, options: ChatOptions): AsyncGenerator<Check> {
  switch (input.kind) {
    case "reference":
      yield* checkReferenceFolder(input.path, options);
      yield* checkEngine(input.path, options);
      break;
    case "chat":
      yield* checkChatFile(input.path, input.chats, options);
      break;
    case "metrics":
      yield* checkMetricsFile(input.path, input.rows, options.bounds);
  }
}

async function recognise(path: string): Promise<Input> {
  const status = await stat(path).catch((cause: unknown) => {
    throw new FileError({ what: "nothing to read here", where: path, remedy, cause });
  });
  if (status.isDirectory()) {
    const names = ["config.json", "expected.json", "expected.safetensors"];
    for (const name of names) {
      await stat(join(path, name)).catch((cause: unknown) => {
        const what = "not a reference folder";
        throw new FileError({ what, where: path, expected: names.join(", "), found: `no ${name}`, remedy, cause });
      });
    }
    return { kind: "reference", path };
  }
  const value = await readJson(path, remedy);
  if (Array.isArray(value)) {
    return { kind: "metrics", path, rows: parseFields(metricsFileSchema, value, path, remedy) };
  }
  return { kind: "chat", path, chats: parseFields(chatFileSchema, value, path, remedy) };
}
