/**
 * Plants each bug of the list in a copy of the sources, runs the test that must notice, and says whether it did.
 * Usage: npm run mutants [-- PART_OF_A_NAME…]. Exit code 1 where a bug survives, no longer has its place, or the tests fail without it.
 */
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Mutant, mutants } from "./list.js";
import { occurrences, planted } from "./plant.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A bug that makes a test run for ever is noticed too. */
const MILLISECONDS = 180_000;

type Verdict = "killed" | "survived" | "broken";

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
}

/** A copy that a bug may be planted in; what is large or read only is linked. */
function copySources(): { readonly parent: string; readonly copy: string } {
  const parent = mkdtempSync(join(tmpdir(), "memory-r1-mutants-"));
  const copy = join(parent, "project");
  mkdirSync(copy);
  for (const name of ["src", "test", "package.json", "tsconfig.json", "vitest.config.ts"]) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  for (const name of ["node_modules", "models"]) symlinkSync(join(root, name), join(copy, name));
  const shared = resolve(root, "..", "shared");
  if (existsSync(shared)) symlinkSync(shared, join(parent, "shared"));
  return { parent, copy };
}

/** Runs tests in the copy. Undefined where they left no report. */
function runTests(
  copy: string,
  { test, only }: Pick<Mutant, "test" | "only">,
): Promise<Report | "endless" | undefined> {
  const output = join(copy, "report.json");
  rmSync(output, { force: true });
  const vitest = join(copy, "node_modules", "vitest", "vitest.mjs");
  const titles = only === undefined ? [] : ["-t", only];
  const args = [
    vitest,
    "run",
    test,
    ...titles,
    "--maxWorkers=1",
    "--bail=1",
    "--reporter=json",
    `--outputFile=${output}`,
  ];
  return new Promise((done) => {
    const child = spawn(process.execPath, args, { cwd: copy, stdio: "ignore", timeout: MILLISECONDS });
    child.on("close", (_, signal) => {
      if (signal === "SIGTERM") done("endless");
      else done(existsSync(output) ? (JSON.parse(readFileSync(output, "utf8")) as Report) : undefined);
    });
  });
}

/** A test has to fail by itself: a file that no longer loads shows nothing. */
function verdictOf(report: Report | "endless" | undefined): Verdict {
  if (report === "endless") return "killed";
  if (report === undefined) return "broken";
  if (report.numFailedTests > 0) return "killed";
  return report.numPassedTests > 0 ? "survived" : "broken";
}

async function tryMutant(copy: string, mutant: Mutant): Promise<Verdict> {
  const file = join(copy, mutant.file);
  const original = readFileSync(file, "utf8");
  writeFileSync(file, planted(mutant, copy));
  try {
    return verdictOf(await runTests(copy, mutant));
  } finally {
    writeFileSync(file, original);
  }
}

/** Without a bug the tests have to pass: else every bug would seem to be noticed. */
async function checkTests(copy: string, chosen: readonly Mutant[]): Promise<string[]> {
  const runs = new Map(chosen.map((mutant) => [`${mutant.test} ${mutant.only ?? ""}`.trim(), mutant]));
  const failing: string[] = [];
  for (const [name, mutant] of runs) {
    if (verdictOf(await runTests(copy, mutant)) !== "survived") failing.push(name);
  }
  return failing;
}

async function main(parts: readonly string[]): Promise<number> {
  const chosen = mutants.filter(({ name }) => parts.length === 0 || parts.some((part) => name.includes(part)));
  const lost = chosen.filter((mutant) => occurrences(mutant, root) !== 1);
  for (const { name, file, find } of lost) console.log(`lost      ${name}: ${file} does not hold "${find}" once`);
  const { parent, copy } = copySources();
  try {
    const failing = await checkTests(copy, chosen);
    for (const name of failing) console.log(`failing   ${name}: without a planted bug`);
    const counts = { killed: 0, survived: 0, broken: 0 };
    for (const mutant of chosen.filter((one) => !lost.includes(one))) {
      const started = performance.now();
      const verdict = await tryMutant(copy, mutant);
      counts[verdict] += 1;
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      console.log(`${verdict.padEnd(9)} ${mutant.name} (${mutant.test}, ${seconds} s)`);
    }
    const { killed, survived, broken } = counts;
    const wrong = survived + broken + lost.length + failing.length;
    console.log(
      `${chosen.length} planted bugs: ${killed} killed, ${survived} survived, ${broken} broken, ${lost.length} lost`,
    );
    return chosen.length > 0 && wrong === 0 ? 0 : 1;
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

process.exitCode = await main(process.argv.slice(2));
