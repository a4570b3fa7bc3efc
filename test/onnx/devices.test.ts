import { describe, expect, it } from "vitest";
import { EngineError } from "../../src/errors.js";
import { providerPackage } from "../../src/onnx/cuda-provider.js";
import type { Device } from "../../src/onnx/device.js";
import { type DeviceProbe, probeDevice, resolveDevice } from "../../src/onnx/devices.js";
import { cudaId, freeMemory } from "../../src/onnx/free-memory.js";

const problem = new EngineError({ what: "no such device", remedy: "pass another" });
const only =
  (...working: Device[]) =>
  async (device: Device): Promise<DeviceProbe> =>
    working.includes(device) ? { device, works: true } : { device, works: false, problem };

describe("--device auto", () => {
  it("takes CUDA before WebGPU before the CPU", async () => {
    expect(await resolveDevice("auto", only("cuda", "webgpu"))).toBe("cuda");
    expect(await resolveDevice("auto", only("webgpu"))).toBe("webgpu");
    expect(await resolveDevice("auto", only())).toBe("cpu");
  });

  it("is the only choice that another device may take the place of: one given by name works, or is refused", async () => {
    expect(await resolveDevice("cuda:1", only("cpu", "cuda:1"))).toBe("cuda:1");
    await expect(resolveDevice("cuda:1", only("cpu", "cuda", "webgpu"))).rejects.toBe(problem);
  });
});

describe("A probe", () => {
  it("computes on the CPU", async () => {
    expect(await probeDevice("cpu")).toEqual({ device: "cpu", works: true });
  });

  it("of a device that is not there tells why instead of failing", async () => {
    const probed = await probeDevice("cuda:99");
    expect(probed.works || probed.problem).toBeInstanceOf(EngineError);
  });
});

describe("The CUDA provider", () => {
  it("is known for the runtime's version on the platforms that it was built for, and for no other", () => {
    expect(providerPackage("1.29.0", "linux-x64")).toMatch(/linux-x64-gpu@/);
    expect(providerPackage("1.29.0", "darwin-arm64")).toBeUndefined();
    expect(providerPackage("1.28.0", "linux-x64")).toBeUndefined();
  });
});

describe("Free memory", () => {
  it("is known of the CPU, and unknown of a device that nothing tells of", async () => {
    expect(await freeMemory("cpu")).toBeGreaterThan(0);
    expect(await freeMemory("webgpu")).toBeUndefined();
  });

  it("is asked of the GPU that the process sees under the device's index", () => {
    expect(["cuda", "cuda:3"].map((device) => cudaId(device as "cuda", undefined))).toEqual(["0", "3"]);
    expect(["cuda", "cuda:1"].map((device) => cudaId(device as "cuda", "2, GPU-ab12"))).toEqual(["2", "GPU-ab12"]);
    expect(cudaId("cuda", "")).toBe("0");
  });
});
