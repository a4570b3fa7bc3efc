import { EngineError, type Failure, messageOf } from "../errors.js";
import type { Device } from "./device.js";

/** What onnxruntime's messages mean, most particular first. */
const meanings: readonly {
  readonly pattern: RegExp;
  readonly meaning: (device: Device) => Pick<Failure, "what" | "remedy">;
}[] = [
  {
    pattern: /invalid device ordinal|CUDA failure 10[01]\b|no CUDA-capable device/i,
    meaning: (device) => ({
      what: `there is no device ${device}`,
      remedy: 'run `memory-r1 doctor` to see which devices work, or pass device "cpu" (--device cpu)',
    }),
  },
  {
    pattern: /driver version is insufficient|CUDA failure 35\b/i,
    meaning: () => ({
      what: "the NVIDIA driver is older than the CUDA libraries",
      remedy: "install a driver for CUDA 13 (580 or later); `memory-r1 doctor` shows the one that is there",
    }),
  },
  {
    pattern: /API version|VERS_\d|undefined symbol|not supported by this build/i,
    meaning: () => ({
      what: "the CUDA provider is of another version than onnxruntime-node",
      remedy: "run `memory-r1 doctor --install cuda`, which fetches the one that matches",
    }),
  },
  {
    pattern: /Failed to load (shared )?library|cannot open shared object/i,
    meaning: (device) => ({
      what: `the libraries of ${device} cannot be loaded`,
      remedy:
        'run `memory-r1 doctor`, which names what is missing and the command that brings it, or pass device "cpu" (--device cpu)',
    }),
  },
  {
    pattern: /Failed to get a WebGPU adapter|No supported adapters|libvulkan/i,
    meaning: () => ({
      what: "no WebGPU adapter",
      remedy: `install a Vulkan loader and the GPU's driver (\`memory-r1 doctor\` says which is missing), or pass device "cpu" (--device cpu)`,
    }),
  },
  {
    pattern: /out of memory|Failed to allocate memory|BFCArena|CUDA failure 2\b|bad_alloc|CUBLAS_STATUS_ALLOC_FAILED/i,
    meaning: (device) => ({
      what: `${device} is out of memory`,
      remedy:
        'lower groupSize (--group), maxNewTokens (--max-new-tokens), the length of prompts, or batchBytes of openEngine; precision "bfloat16" or "float16" (--precision) takes half',
    }),
  },
  {
    pattern: /Failed to find kernel|NOT_IMPLEMENTED|Could not find an implementation/i,
    meaning: (device) => ({
      what: `${device} lacks an operator in this precision`,
      remedy: "pass another precision (--precision)",
    }),
  },
];

/** The runtime's error as one of ours: which limit was met, and which setting to change. */
export function runtimeError(cause: unknown, device: Device, otherwise: Pick<Failure, "what" | "remedy">): EngineError {
  const found = messageOf(cause);
  const known = meanings.find(({ pattern }) => pattern.test(found));
  return new EngineError({ ...(known?.meaning(device) ?? otherwise), found: found.trim(), cause });
}
