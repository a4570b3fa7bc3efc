import { existsSync } from "node:fs";
import type { Embeddings } from "@langchain/core/embeddings";
import type { BaseStore } from "@langchain/langgraph";
import { type Command, InvalidArgumentError } from "commander";
import { UsageError } from "../errors.js";
import { type AuditFinding, auditMemories } from "../memory/bank/audit.js";
import { MemoryBank } from "../memory/bank/bank.js";
import { HISTORY_ROOT } from "../memory/bank/history.js";
import { namespaceLabel } from "../store/namespace.js";
import { type OpenedStore, openStore } from "../store/open-store.js";
import { working } from "./exit.js";
import { embeddingsHelp, openEmbeddings } from "./options/embeddings.js";
import { plainCommand, storePathOption } from "./options/options.js";

interface AuditVerbOptions {
  readonly storePath: string;
  readonly embeddings?: string;
  readonly namespace?: readonly string[];
  readonly duplicate: number;
  readonly related: number;
  readonly json?: boolean;
}

/** What one bank holds, and what was found in it. */
interface BankAudit {
  readonly namespace: readonly string[];
  readonly memories: number;
  readonly findings: readonly AuditFinding[];
}

const MOST_BANKS = 100_000;

export function auditVerb(): Command {
  return plainCommand(
    "audit",
    "Look through the memories for such as say the same twice or may contradict each other, with the evidence.",
    "memory-r1 audit\nmemory-r1 audit --namespace chat/ana --json",
  )
    .addOption(storePathOption("; CHROMA_URL goes before it"))
    .option("--embeddings <dir>", embeddingsHelp)
    .option("--namespace <path>", "only the banks below this one, labels parted by /", labels)
    .option("--duplicate <s>", "least similarity of near-duplicates", share, 0.9)
    .option("--related <s>", "least similarity of what may contradict", share, 0.5)
    .option("--json", "print a JSON line for each bank")
    .action(audit);
}

async function audit(options: AuditVerbOptions): Promise<void> {
  if (!process.env.CHROMA_URL && !existsSync(options.storePath)) {
    throw new UsageError({
      what: "there is no store",
      where: options.storePath,
      expected: "the data folder of the embedded server",
      found: "nothing",
      remedy: "pass --store-path with the folder that was written to, or set CHROMA_URL",
    });
  }
  const encoder = await openEmbeddings(options.embeddings);
  try {
    const { embeddings } = encoder;
    const opened = await openStore({ embeddings, fields: ["text"], path: options.storePath });
    try {
      await auditBanks(opened, embeddings, options);
    } finally {
      await opened.close();
    }
  } finally {
    await encoder.close();
  }
}

async function auditBanks(
  { store, kind }: OpenedStore,
  embeddings: Embeddings,
  options: AuditVerbOptions,
): Promise<void> {
  if (kind === "memory") {
    throw new UsageError({
      what: "there is no store to look through",
      where: options.storePath,
      expected: "a Chroma server at CHROMA_URL, or one that can be started here",
      remedy: "install the optional dependencies of this package, or set CHROMA_URL",
    });
  }
  await working(async () => {
    const { namespace, duplicate, related } = options;
    const banks = await banksBelow(store, namespace);
    for (const bank of banks) {
      const memories = await new MemoryBank({ store, namespace: bank }).list();
      const findings = await auditMemories(memories, { embeddings, duplicate, related });
      report({ namespace: bank, memories: memories.length, findings }, options);
    }
    if (banks.length === 0 && !options.json) {
      process.stdout.write(namespace === undefined ? "no memories\n" : `no memories below ${namespace.join("/")}\n`);
    }
  });
}

/** The banks below a path, whose labels are as the store has them, or ids and names that agents and `chat` encode for it. */
async function banksBelow(store: BaseStore, path: readonly string[] = []): Promise<string[][]> {
  const known = path.map((label) => (/[.:]/.test(label) ? namespaceLabel(label) : label));
  for (const prefix of [known, path.map(namespaceLabel)]) {
    const found = await store.listNamespaces({ prefix, limit: MOST_BANKS });
    if (found.length > 0) return found.filter(([root]) => root !== HISTORY_ROOT);
  }
  return [];
}

function report(audit: BankAudit, { json = false }: AuditVerbOptions): void {
  process.stdout.write(json ? `${JSON.stringify(audit)}\n` : describe(audit));
}

function describe({ namespace, memories, findings }: BankAudit): string {
  const lines = [`${namespace.join("/")}: ${memories} memories, ${findings.length} findings`];
  for (const { kind, older, newer, similarity, evidence } of findings) {
    const { shared, onlyOlder, onlyNewer, denials } = evidence;
    lines.push(
      `  ${kind} (similarity ${similarity.toFixed(2)})`,
      ...[older, newer].map(
        ({ key, value }) => `    ${value.time} ${value.speaker}, turn ${value.source}: ${value.text} [${key}]`,
      ),
      `    shared: ${shared.join(", ")}; only in the older: ${onlyOlder.join(", ") || "-"}; only in the newer: ${
        onlyNewer.join(", ") || "-"
      }${denials.length === 0 ? "" : `; denied by: ${denials.join(", ")}`}`,
    );
  }
  return `${lines.join("\n")}\n`;
}

function labels(path: string): string[] {
  const parts = path.split("/");
  if (parts.some((label) => label === ""))
    throw new InvalidArgumentError("Give labels parted by /, none of them empty.");
  return parts;
}

function share(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError("Give a number from 0 to 1.");
  return value;
}
