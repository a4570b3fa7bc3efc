import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { DecoderConfig } from "../src/model/checkpoint/config.js";
import { decoderConfigToHuggingFace } from "../src/model/checkpoint/config-export.js";
import { writeSafetensors } from "../src/model/checkpoint/safetensors.js";
import { loadTokenizer } from "../src/model/checkpoint/tokenizer.js";
import { requiredTensors } from "../src/model/checkpoint/weights.js";
import { openEngine } from "../src/model/engine/open-engine.js";
import { FULL } from "../src/model/engine/parameter-sets.js";
import type { Device } from "../src/onnx/device.js";
import { Random } from "../src/random.js";
import { generateSftExamples } from "../src/synthetic/sft.js";
import { type SftTokens, trainSft } from "../src/train/sft.js";

/**
 * Makes the tiny decoder's weights from nothing: random initialisation, then supervised training on the pretraining world, by this
 * project's own trainer. usage: tsx models/train-tiny.ts [--steps N] [--batch N] [--rate X] [--seed N] [--device D]
 */
const { values } = parseArgs({
  options: {
    folder: { type: "string", default: "models/tiny" },
    steps: { type: "string", default: "8000" },
    batch: { type: "string", default: "64" },
    rate: { type: "string", default: "2e-3" },
    seed: { type: "string", default: "1" },
    device: { type: "string", default: "cpu" },
    // Goes on from the weights that are there, as a further stage.
    continue: { type: "boolean", default: false },
    // Of extractor, manager and answerer among the examples.
    shares: { type: "string", default: "0.2,0.4,0.4" },
  },
});
const [steps, batchSize, learningRate, seed] = [values.steps, values.batch, values.rate, values.seed].map(Number) as [
  number,
  number,
  number,
  number,
];

const shape = { hiddenSize: 192, layers: 5, heads: 6, keyValueHeads: 2, headSize: 32, intermediateSize: 512 };

const [extractor, manager, answerer] = values.shares.split(",").map(Number) as [number, number, number];
const madeFile = join(values.folder, "made.json");
const stages: unknown[] = values.continue ? JSON.parse(await readFile(madeFile, "utf8")).stages : [];
if (!values.continue) await initialise(values.folder);
const tokenizer = await loadTokenizer(values.folder);
const engine = await openEngine({ folder: values.folder, device: values.device as Device });
const started = Date.now();
const seen = { tokens: 0, loss: 0 };
await trainSft(engine, FULL, tokens(), {
  steps,
  batchSize,
  warmup: values.continue ? 50 : 200,
  optimizer: { learningRate, beta2: 0.98, weightDecay: 0.01, maxGradientNorm: 1 },
  onStep: async ({ step, loss, gradientNorm, tokens: count }) => {
    seen.tokens += count;
    seen.loss = step === 0 ? loss : 0.95 * seen.loss + 0.05 * loss;
    if ((step + 1) % 50 === 0) {
      const seconds = (Date.now() - started) / 1000;
      const left = ((steps - step - 1) * seconds) / (step + 1);
      console.log(
        `step ${step + 1}/${steps}  loss ${seen.loss.toFixed(4)}  gradient ${gradientNorm.toFixed(2)}  ` +
          `${seconds.toFixed(0)} s, ${left.toFixed(0)} s left`,
      );
    }
    if ((step + 1) % 200 === 0) await engine.saveAdapter(FULL, values.folder);
  },
});
await engine.saveAdapter(FULL, values.folder);
const command = ["tsx models/train-tiny.ts", ...process.argv.slice(2)].join(" ");
stages.push({ command, seconds: Math.round((Date.now() - started) / 1000), loss: seen.loss });
await writeFile(madeFile, `${JSON.stringify({ stages }, null, 2)}\n`);
await engine.close();

function* tokens(): Generator<SftTokens> {
  for (const { messages, response } of generateSftExamples({ seed, shares: { extractor, manager, answerer } })) {
    const promptIds = tokenizer.encodeChat(messages);
    yield { promptIds, responseIds: [...tokenizer.encode(response), tokenizer.stopIds[0]!] };
  }
}

/** Weights as in Llama's initialisation: normal with deviation 0.02 (output projections scaled down by depth), norms at 1. */
async function initialise(folder: string): Promise<void> {
  const { model_max_length: contextLength } = JSON.parse(await readFile(join(folder, "tokenizer_config.json"), "utf8"));
  const config: DecoderConfig = {
    ...shape,
    architecture: "llama",
    vocabularySize: 1024,
    rmsNormEpsilon: 1e-5,
    ropeTheta: 10_000,
    ropeScaling: null,
    tiedEmbeddings: true,
    attentionBias: false,
    outputBias: false,
    mlpBias: false,
    queryKeyNorm: false,
    contextLength,
    slidingWindow: null,
    bosId: null,
    eosIds: [2],
    padId: 0,
  };
  const random = new Random(seed, 7);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  const tensors = new Map<string, { dtype: "F32"; shape: readonly number[]; data: Float32Array }>();
  for (const [name, dims] of requiredTensors(config)) {
    const length = dims.reduce((a, b) => a * b, 1);
    const deviation = /o_proj|down_proj/.test(name) ? 0.02 / Math.sqrt(2 * config.layers) : 0.02;
    const data = Float32Array.from({ length }, () => (/norm/.test(name) ? 1 : deviation * normal()));
    tensors.set(name, { dtype: "F32", shape: dims, data });
  }
  await rm(join(folder, "model.safetensors"), { force: true });
  await writeFile(join(folder, "config.json"), `${JSON.stringify(decoderConfigToHuggingFace(config), null, 2)}\n`);
  await writeSafetensors(join(folder, "model.safetensors"), tensors, { format: "pt" });
}
