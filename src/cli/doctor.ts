import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { freemem, totalmem } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Command, Option } from "commander";
import {
  installCudaProvider,
  providerFiles,
  providerPackage,
  type RuntimePackage,
  runtimePackage,
} from "../onnx/cuda-provider.js";
import { type DeviceProbe, probeDevice } from "../onnx/devices.js";
import { plainCommand } from "./options/options.js";
import { loaderFinds } from "./shared-library.js";

const run = promisify(execFile);

/** What stands in a device's way or slows it down, and what helps. */
interface Finding {
  readonly missing: string;
  readonly remedy: string;
}

interface DeviceReport {
  readonly device: string;
  readonly works: boolean;
  readonly why?: string;
  readonly findings?: readonly Finding[];
}

interface DoctorOptions {
  readonly json?: true;
  readonly install?: "cuda";
}

export function doctorVerb(): Command {
  return plainCommand(
    "doctor",
    "Say which devices work, why the others do not, and what fixes it.",
    "memory-r1 doctor\nmemory-r1 doctor --install cuda",
  )
    .option("--json", "print the report as JSON")
    .addOption(new Option("--install <what>", "fetch the CUDA provider of this runtime from npm").choices(["cuda"]))
    .action(report);
}

async function report({ json, install }: DoctorOptions): Promise<void> {
  const runtime = runtimePackage();
  if (install === "cuda") {
    for (const file of await installCudaProvider(runtime)) process.stderr.write(`installed ${file}\n`);
  }
  const devices = [];
  for (const device of ["cpu", "cuda", "webgpu"] as const)
    devices.push(await examine(await probeDevice(device), runtime));
  const gpus = await graphicsCards();
  const gibibytes = (bytes: number): number => Number((bytes / 2 ** 30).toFixed(1));
  const memory = { free_gib: gibibytes(freemem()), total_gib: gibibytes(totalmem()) };
  const { version } = runtime;
  if (json)
    process.stdout.write(`${JSON.stringify({ node: process.version, runtime: version, memory, gpus, devices })}\n`);
  else process.stdout.write(text(version, memory, gpus, devices));
}

async function examine(probe: DeviceProbe, runtime: RuntimePackage): Promise<DeviceReport> {
  const { device, works } = probe;
  if (works) return { device, works, ...(device === "cuda" ? await slowness() : {}) };
  const findings = device === "cuda" ? await cudaFindings(runtime) : device === "webgpu" ? await webgpuFindings() : [];
  return { device, works, why: probe.problem.message, findings };
}

/** Without cuDNN the runtime attends by a kernel of its own, which takes fourteen times as long for one token of each response. */
async function slowness(): Promise<Pick<DeviceReport, "findings">> {
  if (process.platform !== "linux" || (await loaderFinds("libcudnn.so.9"))) return {};
  const missing = "libcudnn.so.9, without which decoding in 16 bits takes about three times as long";
  const remedy = "install cuDNN 9 (for example: pip install nvidia-cudnn-cu13) and put its folder on LD_LIBRARY_PATH";
  return { findings: [{ missing, remedy }] };
}

async function cudaFindings({ version, folder }: RuntimePackage): Promise<Finding[]> {
  const findings: Finding[] = [];
  const absent = providerFiles.filter((file) => !existsSync(join(folder, file)));
  const known = providerPackage(version, `${process.platform}-${process.arch}`) !== undefined;
  if (absent.length > 0) {
    const remedy = known
      ? "memory-r1 doctor --install cuda"
      : "use linux-x64 with onnxruntime-node 1.29, or --device webgpu";
    findings.push({ missing: absent.join(" "), remedy });
  } else {
    for (const library of await missingLibraries(join(folder, providerFiles[1]))) {
      const remedy =
        "install CUDA 13's runtime libraries (for example: pip install nvidia-cublas nvidia-cuda-runtime nvidia-curand nvidia-cudnn-cu13) and put their folders on LD_LIBRARY_PATH";
      findings.push({ missing: library, remedy });
    }
  }
  if ((await graphicsCards()).length === 0) {
    findings.push({
      missing: "an NVIDIA driver (nvidia-smi lists no GPU)",
      remedy: "install the driver, 580 or later",
    });
  }
  return findings;
}

/** Names of libraries that the file needs and the loader does not find. */
async function missingLibraries(file: string): Promise<string[]> {
  const listing = await run("ldd", [file]).then(
    ({ stdout }) => stdout,
    () => "",
  );
  return listing.split("\n").flatMap((line) => (line.includes("not found") ? [line.trim().split(" ")[0]!] : []));
}

async function webgpuFindings(): Promise<Finding[]> {
  if (process.platform !== "linux" || (await loaderFinds("libvulkan.so.1"))) return [];
  return [{ missing: "libvulkan.so.1", remedy: "apt-get install libvulkan1 (and the GPU's Vulkan driver)" }];
}

async function graphicsCards(): Promise<string[]> {
  const query = ["--query-gpu=name,driver_version,memory.total,memory.free", "--format=csv,noheader"];
  return run("nvidia-smi", query).then(
    ({ stdout }) => stdout.trim().split("\n").filter(Boolean),
    () => [],
  );
}

function text(
  version: string,
  memory: { readonly free_gib: number; readonly total_gib: number },
  gpus: readonly string[],
  devices: readonly DeviceReport[],
): string {
  const lines = [
    `Node ${process.version}, onnxruntime-node ${version}, ${memory.free_gib} of ${memory.total_gib} GiB free`,
    ...gpus.map((gpu) => `GPU: ${gpu}`),
  ];
  for (const { device, works, why, findings = [] } of devices) {
    lines.push(works ? `${device}: works` : `${device}: does not work`);
    if (!works) lines.push(`  ${why?.replaceAll(/\s+/g, " ")}`);
    for (const { missing, remedy } of findings) lines.push(`  missing: ${missing}`, `  fix: ${remedy}`);
  }
  return `${lines.join("\n")}\n`;
}
