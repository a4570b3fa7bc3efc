import { describe, expect, it } from "vitest";
import { EngineError } from "../../src/errors.js";
import { runtimeError } from "../../src/onnx/runtime-error.js";

const otherwise = { what: "onnxruntime stopped", remedy: "see the message of the runtime" };
const read = (message: string) => runtimeError(new Error(message), "cuda:1", otherwise);

describe("A message of the runtime", () => {
  it.each([
    ["CUDA failure 101: invalid device ordinal ; GPU=1", /there is no device cuda:1/, /doctor/],
    ["CUDA driver version is insufficient for CUDA runtime version", /driver is older/, /580 or later/],
    ["The requested API version [99] is not available", /another version than onnxruntime-node/, /--install cuda/],
    [
      "Failed to load library libonnxruntime_providers_cuda.so: libcublas.so.13",
      /libraries of cuda:1/,
      /doctor.*pass device "cpu" \(--device cpu\)/,
    ],
    ["Failed to get a WebGPU adapter: No supported adapters", /no WebGPU adapter/, /Vulkan/],
    [
      "BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer",
      /out of memory/,
      /groupSize \(--group\)/,
    ],
    ["Failed to find kernel for Attention(23)", /lacks an operator in this precision/, /precision \(--precision\)/],
  ])("'%s' becomes an error that says which limit was met and what to change", (message, what, remedy) => {
    const error = read(message);
    expect(error).toBeInstanceOf(EngineError);
    expect(error.message).toMatch(what);
    expect(error.message).toMatch(remedy);
    expect(error.message).toContain(message);
  });

  it("that names a library of another version is told from one that is absent", () => {
    const error = read("Failed to load library libonnxruntime_providers_cuda.so: undefined symbol: Provider_GetHost");
    expect(error.message).toMatch(/another version/);
  });

  it("without a known meaning is passed on with what the caller says, and as the cause", () => {
    const cause = new Error("something else");
    const error = runtimeError(cause, "cpu", otherwise);
    expect(error.message).toMatch(/onnxruntime stopped/);
    expect(error.message).toContain("something else");
    expect(error.cause).toBe(cause);
  });
});
