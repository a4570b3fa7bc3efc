// Packs this package, checks the tarball with publint and attw, installs it into an empty folder, and runs README's first
// TypeScript there as it stands: as an ES module, and with `require` in the place of `import`.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "package-"));
const tools = join(root, "node_modules", ".bin");

function run(what, command, args, cwd = folder) {
  const { status, stdout } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    // CPU is enough here: without this, onnxruntime's CUDA libraries are downloaded on Linux.
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip", npm_config_loglevel: "error" },
    stdio: ["ignore", "pipe", "inherit"],
    shell: process.platform === "win32",
  });
  if (status !== 0) {
    console.error(`${stdout}\n${what}: failed (exit code ${status})`);
    process.exitCode = 1;
    throw new Error(what);
  }
  console.log(`${what}: ok`);
  return stdout;
}

/** README's first block of TypeScript, which has no types in it: plain JavaScript. */
function readmeLines() {
  const [, block] = /^```ts\n(.*?)^```/ms.exec(readFileSync(join(root, "README.md"), "utf8"));
  return block;
}

/** The same lines for CommonJS, which has neither `import` nor `await` at its top. */
function asCommonJs(lines) {
  const required = lines.replace(/^import (\{.*?\}) from (".*?");/gm, "const $1 = require($2);");
  return `(async () => {\n${required}})();\n`;
}

try {
  const packed = JSON.parse(
    run("npm pack", "npm", ["pack", "--json", "--pack-destination", folder], root).replace(/^[^[]*/, ""),
  );
  const tarball = join(folder, packed[0].filename);
  console.log(`  ${packed[0].entryCount} files, ${(packed[0].size / 1e6).toFixed(1)} MB`);
  run("publint", join(tools, "publint"), ["run", tarball, "--strict"]);
  // ES modules only: CommonJS gets them by `require`, as Node.js 20.19 and later allow.
  run("attw", join(tools, "attw"), [tarball, "--profile", "esm-only", "--no-color", "--no-emoji"]);
  writeFileSync(join(folder, "package.json"), '{ "private": true }');
  run("npm install in an empty folder", "npm", [
    "install",
    "--no-audit",
    "--no-fund",
    tarball,
    "@langchain/core",
    "@langchain/langgraph",
  ]);
  const lines = readmeLines();
  writeFileSync(join(folder, "memory.mjs"), lines);
  writeFileSync(join(folder, "memory.cjs"), asCommonJs(lines));
  const answers = ["memory.mjs", "memory.cjs"].map((file) =>
    run(`README's lines as ${file}`, process.execPath, [file]),
  );
  console.log(`  ${answers[0].trim()}`);
  if (answers[0] !== answers[1]) throw new Error(`CommonJS answers otherwise: ${answers[1]}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
