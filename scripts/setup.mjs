// Makes a fresh clone ready: installs the locked packages where they are missing or outdated, and compiles src to dist.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Node.js ${process.versions.node} is too old: install 20.19 or later.`);
  process.exit(2);
}

/** Time of the newest file under a path, 0 where there is none. */
function newest(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function run(command, args) {
  const { status } = spawnSync(command, args, {
    cwd: root,
    // CPU is enough here: without this, onnxruntime's CUDA libraries are downloaded on Linux. Newer npm ignores the setting in .npmrc.
    env: { ONNXRUNTIME_NODE_INSTALL: "skip", ...process.env },
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (status !== 0) {
    console.error(`${command} ${args.join(" ")} failed (exit code ${status}); nothing was started.`);
    process.exit(1);
  }
}

const installed = join(root, "node_modules", ".package-lock.json");
if (newest(installed) < newest(join(root, "package-lock.json"))) {
  console.error("Installing packages (npm ci), once …");
  run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
}
if (newest(join(root, "dist")) < newest(join(root, "src"))) {
  console.error("Compiling …");
  run(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "-p", "tsconfig.build.json"]);
}
