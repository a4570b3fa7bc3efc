import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseHTML } from "linkedom";
import { runCli } from "../cli/run-cli.js";
import { locomoWorldFile } from "../recipe/locomo-world.js";

/** The recipe as its user runs it, with the tiny model on generated dialogues: 4 test questions, 6 rows. */
export async function makeRecipe(out: string): Promise<void> {
  const data = await locomoWorldFile();
  const { code, stderr } = await runCli(
    ...["train", "--recipe", "locomo", "--data", data, "--out", out, "--seed", "4", "--no-probe"],
    ...["--facts", "observation", "--questions", "4", "--memories-per-speaker", "4", "--max-new-tokens", "48"],
    ...["--no-named-speakers-only", "--search", "vector", "--no-words", "--no-adjacent", "--order", "oldest-first"],
    ...["--steps", "2", "--manager-steps", "1", "--final-steps", "1", "--checkpoint-every", "1", "--batch", "1"],
    ...["--group", "2", "--rows", "none", "bm25", "base", "manager", "answerer", "both"],
  );
  if (code !== 0) throw new Error(stderr);
}

/** Changes the value in a JSON file, or that of each of its lines. */
export async function edit<Value>(file: string, change: (value: Value) => unknown): Promise<void> {
  const text = await readFile(file, "utf8");
  const one = (json: string): string => JSON.stringify(change(JSON.parse(json) as Value));
  const lines = (): string => text.replaceAll(/^.+$/gm, one);
  await writeFile(file, file.endsWith(".jsonl") ? lines() : one(text));
}

export const readJsonFile = async <Value>(...path: string[]): Promise<Value> =>
  JSON.parse(await readFile(join(...path), "utf8")) as Value;

export type Page = ReturnType<typeof parseHTML>["document"];

export const openPage = async (file: string): Promise<Page> => parseHTML(await readFile(file, "utf8")).document;

/** A table by its caption: by row the cells, each with its figure and what stands small below. */
export function tableOf(page: Page, caption: string): Map<string, { figure: string; below: string | undefined }[]> {
  const found = [...page.querySelectorAll("table")].find(
    (table) => table.querySelector("caption")?.textContent === caption,
  );
  if (found === undefined) throw new Error(`no table ${caption}`);
  return new Map(
    [...found.querySelectorAll("tbody tr")].map((row) => [
      row.querySelector("th")!.textContent!,
      [...row.querySelectorAll("td")].map((cell) => ({
        figure: cell.firstChild?.textContent ?? "",
        below: cell.querySelector("small")?.textContent ?? undefined,
      })),
    ]),
  );
}

export const headOf = (page: Page, caption: string): string[] =>
  [...page.querySelectorAll("table")]
    .filter((table) => table.querySelector("caption")?.textContent === caption)
    .flatMap((table) => [...table.querySelectorAll("thead th")].map(({ textContent }) => textContent ?? ""));
