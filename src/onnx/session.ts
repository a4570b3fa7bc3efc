import { env, InferenceSession, Tensor } from "onnxruntime-node";
import { EngineError } from "../errors.js";
import type { Device } from "./device.js";
import { runtimeError } from "./runtime-error.js";
import type { ConstantData, DType } from "./value.js";

/** A tensor on its way into or out of a run. float16 is its bit pattern; the binding has no bfloat16. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: ConstantData;
}

export interface SessionOptions {
  readonly device?: Device;
  /** Threads of the CPU provider; 0 lets the runtime choose. Default 0 on a CPU, else 1: on a GPU idle workers only spin beside the thread that launches. */
  readonly threads?: number;
  /** Folder that the model's external data lies in. */
  readonly folder?: string;
  /**
   * Whether the CPU provider keeps copies of constant weights in the order that its kernels like: products of few rows (decoding) are
   * several times faster, products of many rows are not, and weights take up to three times the memory. Default true.
   */
  readonly packWeights?: boolean;
  /** Writes a profile by operator, ended by `endProfiling`. */
  readonly profilePrefix?: string;
}

// What went wrong is told by the errors thrown; the runtime's own lines would stand before them, and its warnings are of no use to users. This
// holds for the whole process, where nobody else used the runtime before.
env.logLevel = "fatal";

const runtimeTypes = {
  float32: "float32",
  float64: "float64",
  float16: "float16",
  int64: "int64",
  int32: "int32",
  bool: "bool",
} as const satisfies { readonly [K in Exclude<DType, "bfloat16">]: string };

/** Anything that runs as a compiled model does. */
export interface Runnable {
  run(feeds: Readonly<Record<string, HostTensor>>, outputs?: readonly string[]): Promise<Record<string, HostTensor>>;
  /** Whether the graph has this input. */
  takes(input: string): boolean;
}

/** A compiled model, ready to run. The only door to onnxruntime-node. */
export class Session implements Runnable {
  private constructor(
    private readonly session: InferenceSession,
    private readonly device: Device,
  ) {}

  /** `model` is ONNX bytes. */
  static async create(
    model: Uint8Array,
    {
      device = "cpu",
      threads = device === "cpu" ? 0 : 1,
      folder,
      packWeights = true,
      profilePrefix,
    }: SessionOptions = {},
  ): Promise<Session> {
    const options: InferenceSession.SessionOptions = {
      executionProviders: [provider(device)],
      intraOpNumThreads: threads,
      logSeverityLevel: 4,
      // A plan of memory is kept for every combination of input shapes, and each takes a block of its own from the arena.
      enableMemPattern: false,
      extra: {
        session: {
          ...(folder === undefined ? {} : { model_external_initializers_file_folder_path: folder }),
          // As of 1.29 the WebGPU provider reads NaN from a weight that it packed for one node and that another node uses too.
          ...(packWeights && device !== "webgpu" ? {} : { disable_prepacking: "1" }),
          // Weights take what they need; in the arena they would be rounded up to its doubling regions.
          ...(device === "cpu" ? {} : { use_device_allocator_for_initializers: "1" }),
        },
      },
      ...(profilePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: profilePrefix }),
    };
    try {
      return new Session(await InferenceSession.create(model, options), device);
    } catch (cause) {
      const remedy = "check that the checkpoint's files are whole and readable";
      throw runtimeError(cause, device, { what: "onnxruntime refused the graph", remedy });
    }
  }

  /** Runs the graph. Feeds that the graph does not take are an error; so is a missing one. */
  async run(
    feeds: Readonly<Record<string, HostTensor>>,
    outputs: readonly string[] = this.session.outputNames,
  ): Promise<Record<string, HostTensor>> {
    const tensors = Object.fromEntries(
      Object.entries(feeds).map(([name, { dtype, shape, data }]) => [name, makeTensor(dtype, shape, data)]),
    );
    let results: InferenceSession.OnnxValueMapType;
    try {
      results = await this.session.run(tensors, [...outputs]);
    } catch (cause) {
      const remedy = "see the message of the runtime";
      throw runtimeError(cause, this.device, { what: "onnxruntime stopped", remedy });
    }
    return Object.fromEntries(
      Object.entries(results).map(([name, tensor]) => [
        name,
        { dtype: tensor.type as DType, shape: tensor.dims, data: tensor.data as ConstantData },
      ]),
    );
  }

  takes(input: string): boolean {
    return this.session.inputNames.includes(input);
  }

  endProfiling(): void {
    this.session.endProfiling();
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}

function provider(device: Device): InferenceSession.ExecutionProviderConfig {
  if (!device.startsWith("cuda")) return device;
  return { name: "cuda", deviceId: Number(device.split(":")[1] ?? 0) };
}

function makeTensor(dtype: DType, shape: readonly number[], data: ConstantData): Tensor {
  if (dtype === "bfloat16") {
    throw new EngineError({
      what: "a bfloat16 tensor cannot enter or leave a graph",
      expected: "float32 or float16 at the edge, with a cast inside",
      remedy: "the binding has no such type: cast in the graph",
    });
  }
  return new Tensor(runtimeTypes[dtype] as "float32", data as Float32Array, [...shape]);
}
