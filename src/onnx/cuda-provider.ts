import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readdir, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { EngineError, messageOf, UsageError } from "../errors.js";

const run = promisify(execFile);
const require = createRequire(import.meta.url);

/** npm packages that hold CUDA 13 providers, by the version of onnxruntime that they were built with. */
const packages: readonly { readonly runtime: RegExp; readonly name: string }[] = [
  { runtime: /^1\.29\./, name: "com.github.asus4.onnxruntime.linux-x64-gpu@0.4.9" },
];

export const providerFiles = ["libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so"] as const;

export interface RuntimePackage {
  readonly version: string;
  /** Folder of the runtime's libraries on this platform. */
  readonly folder: string;
}

export function runtimePackage(): RuntimePackage {
  const file = require.resolve("onnxruntime-node/package.json");
  const { version } = require(file) as { version: string };
  return { version, folder: join(dirname(file), "bin", "napi-v6", process.platform, process.arch) };
}

/** The npm package with the provider that matches the runtime, or undefined. */
export function providerPackage(version: string, platform: string): string | undefined {
  if (platform !== "linux-x64") return undefined;
  return packages.find(({ runtime }) => runtime.test(version))?.name;
}

/** Fetches the matching CUDA provider from npm and puts it beside the runtime. Returns the files' paths. */
export async function installCudaProvider({ version, folder }: RuntimePackage = runtimePackage()): Promise<string[]> {
  const platform = `${process.platform}-${process.arch}`;
  const name = providerPackage(version, platform);
  if (name === undefined) {
    throw new UsageError({
      what: "no CUDA provider is known for this runtime",
      expected: "onnxruntime-node 1.29 on linux-x64",
      found: `${version} on ${platform}`,
      remedy: 'pass device "webgpu" or "cpu" (--device)',
    });
  }
  const work = await mkdtemp(join(tmpdir(), "memory-r1-cuda-"));
  try {
    await run("npm", ["pack", "--silent", name], { cwd: work, maxBuffer: 2 ** 26 });
    const [archive] = (await readdir(work)).filter((file) => file.endsWith(".tgz"));
    await run("tar", ["xzf", archive ?? "", "-C", work]);
    const library = join(work, "package", "Plugins", "Linux", "x64");
    for (const file of providerFiles) await copyFile(join(library, file), join(folder, file));
    return providerFiles.map((file) => join(folder, file));
  } catch (cause) {
    throw new EngineError({
      what: `the CUDA provider could not be installed from npm's ${name}`,
      found: messageOf(cause),
      remedy: "check npm's registry and that the package's folder can be written",
      cause,
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
