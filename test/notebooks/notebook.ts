import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";

export const root = fileURLToPath(new URL("../..", import.meta.url));

const id = z.string().regex(/^[\w-]{1,64}$/);
const source = z.array(z.string()).nonempty();

/** nbformat 4.5, of a notebook that nobody has run: no counts, no outputs, no traces of an editor. */
export const notebookSchema = z.strictObject({
  cells: z.array(
    z.discriminatedUnion("cell_type", [
      z.strictObject({ cell_type: z.literal("markdown"), id, metadata: z.strictObject({}), source }),
      z.strictObject({
        cell_type: z.literal("code"),
        id,
        metadata: z.strictObject({}),
        execution_count: z.null(),
        outputs: z.array(z.never()),
        source,
      }),
    ]),
  ),
  metadata: z.object({
    kernelspec: z.object({ name: z.string(), display_name: z.string(), language: z.literal("typescript") }),
    language_info: z.object({ name: z.literal("typescript"), file_extension: z.literal(".ts") }),
  }),
  nbformat: z.literal(4),
  nbformat_minor: z.literal(5),
});

export interface CodeCell {
  readonly id: string;
  readonly source: string;
}

export const notebookNames: readonly string[] = readdirSync(join(root, "notebooks"))
  .filter((name) => name.endsWith(".ipynb"))
  .sort();

export function readNotebook(name: string): { text: string; cells: z.infer<typeof notebookSchema>["cells"] } {
  const text = readFileSync(join(root, "notebooks", name), "utf8");
  return { text, cells: notebookSchema.parse(JSON.parse(text)).cells };
}

export function codeCells(name: string): CodeCell[] {
  const code = readNotebook(name).cells.filter((cell) => cell.cell_type === "code");
  return code.map(({ id, source }) => ({ id, source: source.join("") }));
}

const MARK = "@result ";

/** The cells as one ESM program; after a cell that `results` names, it tells the value of the expression. */
export function program(cells: readonly CodeCell[], results: Readonly<Record<string, string>> = {}): string {
  const told = (cell: string) =>
    results[cell] === undefined
      ? ""
      : `console.log(${JSON.stringify(MARK)} + JSON.stringify([${JSON.stringify(cell)}, ${results[cell]}]));\n`;
  return cells.map(({ id, source }) => `${source}\n${told(id)}`).join("\n");
}

/** A folder inside the package, so that programs in it import the package by its name, and ignored by git. */
export class Workshop {
  private readonly folder: string;

  constructor() {
    mkdirSync(join(root, "runs"), { recursive: true });
    this.folder = mkdtempSync(join(root, "runs", "programs-"));
  }

  write(name: string, text: string): string {
    const file = join(this.folder, name);
    writeFileSync(file, text);
    return file;
  }

  /** Runs a program in a folder of the repository, with no Chroma server but its own; what it told comes back by cell. */
  run(file: string, cwd: string): Readonly<Record<string, unknown>> {
    const { CHROMA_URL: _, ...env } = process.env;
    const stdout = execFileSync(process.execPath, ["--import", "tsx", file], {
      cwd: join(root, cwd),
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
    const told = stdout.split("\n").filter((line) => line.startsWith(MARK));
    return Object.fromEntries(told.map((line) => JSON.parse(line.slice(MARK.length)) as [string, unknown]));
  }

  /** Errors of the types of all programs that were written, under the repository's own strict options. */
  typeErrors(): string {
    const compilerOptions = { noUnusedLocals: false };
    const settings = { extends: "../../tsconfig.json", compilerOptions, include: ["*.ts"] };
    const project = this.write("tsconfig.json", JSON.stringify(settings));
    const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
    const { stdout, stderr } = spawnSync(process.execPath, [compiler, "-p", project], { encoding: "utf8" });
    return stdout + stderr;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
