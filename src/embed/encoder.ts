import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { FileError } from "../errors.js";
import { readHeader } from "../model/checkpoint/safetensors.js";
import { openTensors } from "../model/checkpoint/weights.js";
import { frozenParameters } from "../model/graph/parameters.js";
import type { Device } from "../onnx/device.js";
import { emitModel } from "../onnx/emit.js";
import { type HostTensor, Session } from "../onnx/session.js";
import { bertGraph, bertTensors } from "./bert.js";
import { findWeights, type Pooling, readBertConfig } from "./bert-config.js";
import { pool } from "./pooling.js";

export interface EncoderOptions {
  /** A Hugging Face folder. */
  readonly folder: string;
  /** Weights in it, such as "onnx/model_quantized.onnx"; by default model.safetensors, else an `onnx/` file. */
  readonly file?: string;
  readonly device?: Device;
  /** `SessionOptions.threads`. Default on a CPU: as many as there are cores, at most 8. */
  readonly threads?: number;
}

/** Sentences are small work: more threads wait for each other, and take the cores from other programs meanwhile. */
const MOST_THREADS = 8;

const defaultThreads = (device: Device): number =>
  device === "cpu" ? Math.min(MOST_THREADS, availableParallelism()) : 1;

/** A sentence encoder in this thread: token ids to vectors. */
export class Encoder {
  private constructor(private readonly session: Session) {}

  /** @throws FileError for a folder without an encoder, EngineError where the runtime refuses it. */
  static async open({
    folder,
    file,
    device = "cpu",
    threads = defaultThreads(device),
  }: EncoderOptions): Promise<Encoder> {
    const path = await findWeights(folder, file);
    const model = path.endsWith(".onnx") ? await readFile(path) : await compile(folder, path);
    return new Encoder(await Session.create(model, { device, folder: dirname(path), threads }));
  }

  /** A vector of unit length for each row of ids; rows are padded to the longest. */
  async encode(rows: readonly (readonly number[])[], pooling: Pooling): Promise<number[][]> {
    const length = Math.max(...rows.map((row) => row.length));
    const padded = (value: (id: number) => number): HostTensor => {
      const data = new BigInt64Array(rows.length * length);
      for (const [row, ids] of rows.entries())
        for (const [i, id] of ids.entries()) data[row * length + i] = BigInt(value(id));
      return { dtype: "int64", shape: [rows.length, length], data };
    };
    const feeds = {
      input_ids: padded((id) => id),
      attention_mask: padded(() => 1),
      token_type_ids: padded(() => 0),
    };
    const taken = Object.fromEntries(Object.entries(feeds).filter(([name]) => this.session.takes(name)));
    const { last_hidden_state: vectors } = await this.session.run(taken, ["last_hidden_state"]);
    const { data, shape } = vectors as HostTensor & { readonly data: Float32Array };
    return pool(
      { data, length, size: shape[2]! },
      rows.map((row) => row.length),
      pooling,
    );
  }

  async close(): Promise<void> {
    await this.session.release();
  }
}

async function compile(folder: string, path: string): Promise<Uint8Array> {
  const config = await readBertConfig(folder);
  const names = [...(await readHeader(path)).tensors.keys()];
  const word = names.find((name) => name.endsWith("embeddings.word_embeddings.weight"));
  if (word === undefined) {
    throw new FileError({
      what: "the weights are not those of a BERT",
      where: path,
      expected: 'a tensor "embeddings.word_embeddings.weight"',
      remedy: "use a sentence encoder with a BERT, or its onnx/ file",
    });
  }
  // Checkpoints with a head keep the encoder under "bert.".
  const prefix = word.slice(0, word.indexOf("embeddings."));
  const tensors = await openTensors(folder, bertTensors(config, prefix));
  const tensor = frozenParameters({ tensors });
  return emitModel(bertGraph(config, (name) => tensor(prefix + name)));
}
