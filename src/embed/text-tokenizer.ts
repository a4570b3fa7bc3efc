import { join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import { z } from "zod";
import { FileError, messageOf } from "../errors.js";
import { parseFields, readJson } from "../json-file.js";

const remedy = "use the tokenizer files that came with the encoder";
const fileSchema = z.looseObject({ model: z.looseObject({}) });

/** Token ids of a text with the encoder's marks around them, such as [CLS] … [SEP]; a longer text is cut before the last mark. */
export type EncodeText = (text: string) => number[];

/** Loads tokenizer.json and tokenizer_config.json. @throws FileError. */
export async function loadTextTokenizer(folder: string, maxTokens: number): Promise<EncodeText> {
  const file = join(folder, "tokenizer.json");
  const json = parseFields(fileSchema, await readJson(file, remedy), file, remedy);
  const settings = await readJson(join(folder, "tokenizer_config.json"), remedy);
  let tokenizer: Tokenizer;
  try {
    tokenizer = new Tokenizer(json, settings as object);
  } catch (cause) {
    const found = messageOf(cause);
    throw new FileError({ what: "the tokenizer cannot be built", where: file, found, remedy, cause });
  }
  return (text) => {
    const ids = [...tokenizer.encode(text, { add_special_tokens: true }).ids];
    return ids.length <= maxTokens ? ids : [...ids.slice(0, maxTokens - 1), ids[ids.length - 1]!];
  };
}
