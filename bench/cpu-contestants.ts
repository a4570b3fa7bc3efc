import { basename, dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { openEngine } from "../src/model/engine/open-engine.js";

/** Whatever continues token ids greedily; nothing stops it before `newTokens`. */
export interface Contestant {
  /** With its version, where it is not this project. */
  readonly name: string;
  /** Of its weights and of its arithmetic. */
  readonly precision: string;
  generate(prompts: readonly (readonly number[])[], newTokens: number): Promise<number[][]>;
  close(): Promise<void>;
}

/** Which one; `module` is the file that is imported of a peer's installation. */
export type Choice = {
  readonly threads: number;
  /** Prompts at once, and the tokens of each with its continuation, at most. */
  readonly batch: number;
  readonly length: number;
} & (
  | { readonly kind: "engine" | "engine-streaming"; readonly folder: string }
  | { readonly kind: "llama-cpp"; readonly module: string; readonly gguf: string }
  | { readonly kind: "transformers"; readonly module: string; readonly folder: string }
);

export function openContestant(choice: Choice): Promise<Contestant> {
  switch (choice.kind) {
    case "engine":
    case "engine-streaming":
      return openOurs(choice.folder, choice.threads, choice.kind === "engine-streaming");
    case "llama-cpp":
      return openLlamaCpp(choice);
    case "transformers":
      return openTransformers(choice);
    default:
      return choice satisfies never;
  }
}

/** As ChatOnnx asks the engine: all prompts in one call, or one prompt with its tokens as they come. */
async function openOurs(folder: string, threads: number, streams: boolean): Promise<Contestant> {
  const engine = await openEngine({ folder, threads });
  const onTokens = (): void => undefined;
  return {
    name: streams ? "this engine, streaming" : "this engine",
    precision: engine.info.precision,
    generate: async (prompts, maxNewTokens) => {
      const requests = prompts.map((promptIds) => ({ promptIds, maxNewTokens, temperature: 0, seed: 0 }));
      const results = await engine.generate(requests, { stopIds: [], ...(streams ? { onTokens } : {}) });
      return results.map(([first]) => first!.ids);
    },
    close: () => engine.close(),
  };
}

/** What is used of node-llama-cpp. */
interface LlamaCpp {
  getModuleVersion(): Promise<string>;
  readonly GgufFileType: Readonly<Record<number, string>>;
  getLlama(options: object): Promise<{
    loadModel(options: object): Promise<{
      readonly fileInfo: { readonly metadata: { readonly general: { readonly file_type: number } } };
      createContext(options: object): Promise<{ getSequence(): LlamaSequence }>;
    }>;
    dispose(): Promise<void>;
  }>;
}

interface LlamaSequence {
  evaluate(tokens: readonly number[], options: object): AsyncIterable<number>;
  clearHistory(): Promise<void>;
}

async function openLlamaCpp(choice: Choice & { kind: "llama-cpp" }): Promise<Contestant> {
  const { threads, batch, length } = choice;
  const module = (await load(choice.module)) as LlamaCpp;
  const llama = await module.getLlama({ gpu: false, build: "never", maxThreads: threads, logLevel: "error" });
  const model = await llama.loadModel({ modelPath: resolve(choice.gguf), gpuLayers: 0 });
  const context = await model.createContext({ sequences: batch, contextSize: length, threads });
  const sequences = Array.from({ length: batch }, () => context.getSequence());
  return {
    name: `node-llama-cpp ${await module.getModuleVersion()}`,
    precision: `weights ${module.GgufFileType[model.fileInfo.metadata.general.file_type]}, cache F16`,
    generate: (prompts, newTokens) =>
      Promise.all(
        prompts.map(async (prompt, i) => {
          const sequence = sequences[i]!;
          const ids: number[] = [];
          for await (const id of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
            ids.push(id);
            if (ids.length === newTokens) break;
          }
          await sequence.clearHistory();
          return ids;
        }),
      ),
    close: () => llama.dispose(),
  };
}

/** What is used of transformers.js. */
interface Transformers {
  readonly env: { version: string; allowRemoteModels: boolean; localModelPath: string };
  readonly AutoModelForCausalLM: {
    from_pretrained(
      name: string,
      options: object,
    ): Promise<{
      generate(options: object): Promise<{ tolist(): bigint[][] }>;
      dispose(): Promise<unknown>;
    }>;
  };
  readonly Tensor: new (type: "int64", data: BigInt64Array, dims: readonly number[]) => object;
}

/** An id that no token has, so that nothing stops. */
const NO_TOKEN = -1;

async function openTransformers(choice: Choice & { kind: "transformers" }): Promise<Contestant> {
  const { env, AutoModelForCausalLM, Tensor } = (await load(choice.module)) as Transformers;
  const folder = resolve(choice.folder);
  env.allowRemoteModels = false;
  env.localModelPath = dirname(folder);
  const session_options = { intraOpNumThreads: choice.threads };
  const model = await AutoModelForCausalLM.from_pretrained(basename(folder), {
    dtype: "fp32",
    device: "cpu",
    session_options,
  });
  return {
    name: `transformers.js ${env.version}`,
    precision: "float32",
    generate: async (prompts, max_new_tokens) => {
      const length = prompts[0]!.length;
      const tensor = (ids: readonly number[]) =>
        new Tensor("int64", BigInt64Array.from(ids, BigInt), [prompts.length, length]);
      const ids = await model.generate({
        input_ids: tensor(prompts.flat()),
        attention_mask: tensor(prompts.flat().fill(1)),
        max_new_tokens,
        do_sample: false,
        eos_token_id: NO_TOKEN,
      });
      return ids.tolist().map((row) => row.slice(length).map(Number));
    },
    close: async () => void (await model.dispose()),
  };
}

const load = (file: string): Promise<unknown> => import(pathToFileURL(resolve(file)).href);
