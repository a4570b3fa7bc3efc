import { Command, InvalidArgumentError, Option } from "commander";
import { type FactSource, factSources } from "../../evaluate/fact-source.js";
import type { AnswerRetrieval } from "../../memory/bank/retrieve.js";
import { type PromptStyle, promptStyles } from "../../memory/prompts/prompt-style.js";
import { type Precision, precisions } from "../../model/graph/precision.js";
import type { DeviceChoice } from "../../onnx/devices.js";
import { searchModes } from "../../store/search/search-mode.js";
import { memoryOrders } from "../../trace/episode.js";
import { embeddingsHelp } from "./embeddings.js";

/** A verb with what all verbs have. */
export function plainCommand(name: string, description: string, example: string): Command {
  return new Command(name)
    .description(description)
    .allowExcessArguments(false)
    .option("--verbose", "print the stacks of errors")
    .addHelpText("after", `\nExample:\n${example.replaceAll(/^/gm, "  ")}`);
}

/** A verb that uses random numbers. */
export function verbCommand(name: string, description: string, example: string): Command {
  return plainCommand(name, description, example).option("--seed <n>", "of everything random", wholeNumber, 0);
}

export interface CommonOptions {
  readonly seed: number;
}

export interface ModelOptions extends CommonOptions {
  readonly model?: string;
  readonly adapterManager?: string;
  readonly adapterAnswerer?: string;
  readonly prompts?: PromptStyle;
  readonly embeddings?: string;
  readonly temperature: number;
  readonly maxNewTokens?: number;
  readonly device: DeviceChoice;
  readonly precision?: Precision;
}

export function addModelOptions(
  command: Command,
  { temperature = 0 }: { readonly temperature?: number } = {},
): Command {
  return command
    .option("--model <dir>", "Hugging Face folder of the model (default: the tiny model of this package)")
    .option("--adapter-manager <dir>", "LoRA adapter of the memory manager, in peft's form")
    .option("--adapter-answerer <dir>", "LoRA adapter of the answer agent, in peft's form")
    .addOption(
      new Option("--prompts <style>", "style of the prompts (default: compact for models trained to it)").choices(
        promptStyles,
      ),
    )
    .option("--embeddings <dir>", embeddingsHelp)
    .option("--temperature <t>", "of manager and answerer; 0 is greedy", nonNegative, temperature)
    .option("--max-new-tokens <n>", "longest reply of the model", positive)
    .option("--device <device>", deviceHelp, device, "cpu")
    .addOption(precisionOption());
}

export const deviceHelp = "cpu, cuda, cuda:N, webgpu, or auto for the fastest that works";

export function precisionOption(): Option {
  const what = "of weights and activations (default: float32; bfloat16 on cuda)";
  return new Option("--precision <name>", what).choices(precisions);
}

/** Of `RetrievalSetting` what the user gave. */
export type RetrievalOptions = AnswerRetrieval;

/** How an answer's memories are chosen; `chooseRetrieval` fills in what is not given. */
export function addRetrievalOptions(command: Command): Command {
  return command
    .option(
      "--memories-per-speaker <n>",
      "memories of each speaker that an answer sees (default: as the adapter was trained, else 30)",
      positive,
    )
    .option("--named-speakers-only", "only of speakers whom the question names (default: as the adapter was trained)")
    .option("--no-named-speakers-only", "of all speakers, whomever the question names")
    .addOption(
      new Option(
        "--search <mode>",
        "what ranks memories, for manager and answerer: vectors, words (BM25), or both fused (default: as the adapter was trained, else vector)",
      ).choices(searchModes),
    )
    .option(
      "--words",
      "memories keep the words of their turns, and are found and shown with them (default: as the adapter was trained)",
    )
    .option("--no-words", "memories are their texts alone")
    .option(
      "--adjacent",
      "what was told just before and after a memory counts for its rank in answers, too (default: as the adapter was trained)",
    )
    .option("--no-adjacent", "each memory is ranked by itself")
    .addOption(
      new Option(
        "--order <order>",
        "how an answer's memories of a speaker are listed (default: as the adapter was trained, else oldest-first)",
      ).choices(memoryOrders),
    );
}

/** Data folder of the embedded Chroma server. `more` is added to the help. */
export function storePathOption(more = ""): Option {
  const what = "data folder of the embedded server, which ends with the process that started it";
  return new Option("--store-path <dir>", `${what}${more}`).default(".memory-r1/chroma");
}

export const factsHelp =
  "facts of a turn: found by the model, those that the data has, or those and the words of turns that have none";

const factsDefault = "default: observation for a dialogue file of which any turn has facts, else model";

export interface DataOptions extends CommonOptions {
  readonly data?: string;
  readonly conversation?: string;
  readonly split?: string;
  readonly world: "synthetic";
  readonly dialogues: number;
  readonly turns?: number;
  readonly questions?: number;
  readonly facts?: FactSource;
  readonly concurrency: number;
}

export function addDataOptions(command: Command, { split, dialogues }: { split: string; dialogues: number }): Command {
  return command
    .option("--data <file>", "dialogues: a file of this package's form, or locomo10.json")
    .option("--conversation <id>", "only this conversation of the file, such as conv-26")
    .option("--split <name>", `train, validation or test of LoCoMo; train or test of the world (default: ${split})`)
    .addOption(
      new Option("--world <name>", "generate dialogues").choices(["synthetic"]).default("synthetic").conflicts("data"),
    )
    .option("--dialogues <n>", "dialogues to generate", positive, dialogues)
    .option("--turns <n>", "only the first turns of each dialogue, and the questions that they can answer", positive)
    .option("--questions <n>", "only the first questions of each dialogue", wholeNumber)
    .addOption(new Option("--facts <source>", `${factsHelp} (${factsDefault})`).choices(factSources))
    .option("--concurrency <n>", "dialogues, and questions of each, at once", positive, 8);
}

/** The form of dialogue files, for the help of the verbs that read them. */
export const dialogueForm = `
A dialogue file is a JSON array of
  { "id": "d1", "speakers": ["Ana", "Ben"],
    "turns": [{ "id": "D1:1", "speaker": "Ana", "session": 1, "time": "7 May 2023", "text": "I moved to Oslo." }],
    "questions": [{ "id": "q1", "text": "Where does Ana live?", "gold": "Oslo", "evidence": ["D1:1"] }] }
Turn ids must be unique in the dialogue, and question ids too. A turn may have "facts": ["Ana lives in Oslo"], [] where it tells nothing;
--facts says whether they are used. A question may have a "category", and "after": "D1:1" to be asked after that turn, not at the end.`;

export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("Expected a whole number of 0 or more.");
  return Number(text);
}

export function positive(text: string): number {
  if (!/^0*[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError("Expected a whole number above 0.");
  return Number(text);
}

export function nonNegative(text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError("Expected a number of 0 or more.");
  return value;
}

export function device(text: string): DeviceChoice {
  if (!/^(auto|cpu|webgpu|cuda(:\d+)?)$/.test(text)) {
    throw new InvalidArgumentError("Expected cpu, cuda, cuda:N, webgpu or auto.");
  }
  return text as DeviceChoice;
}
