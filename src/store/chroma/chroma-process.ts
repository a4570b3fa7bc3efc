import { type ChildProcess, spawn } from "node:child_process";

/** Exit code of the child where the binding does not load; its reason is on stderr. */
export const NOT_LOADED = 71;
const LOG_CHARACTERS = 4000;

/**
 * The child's program. The binding's call blocks its thread for as long as the server runs, so a worker watches stdin, which
 * closes when the parent dies in any way.
 */
const SCRIPT = `
const { Worker } = require("node:worker_threads");
const [binding, ...options] = process.argv.slice(1);
let chroma;
try {
  chroma = require(binding);
} catch (error) {
  process.stderr.write(error.message);
  process.exit(${NOT_LOADED});
}
const watch = 'try { while (require("node:fs").readSync(0, Buffer.alloc(64)) > 0); } catch {} process.kill(process.pid, "SIGKILL")';
new Worker(watch, { eval: true }).once("online", () => {
  chroma.cli(["chroma", "run", ...options]);
  process.exit(1);
});
`;

export interface ChromaProcess {
  readonly child: ChildProcess;
  /** The end of what the child wrote to stderr. */
  complaint(): string;
  /** The exit code (null when killed by a signal) once the child has exited. */
  readonly exited: Promise<number | null>;
}

/** Starts a Chroma server from a binding, in a process of its own that ends when this one does. */
export function startProcess(
  binding: string,
  options: { path: string; port: number },
  log?: (text: string) => void,
): ChromaProcess {
  const { NODE_OPTIONS: _ours, ...inherited } = process.env;
  const env = { ...inherited, RUST_BACKTRACE: "0" };
  const args = ["--path", options.path, "--host", "127.0.0.1", "--port", String(options.port)];
  const child = spawn(process.execPath, ["-e", SCRIPT, binding, ...args], { env, stdio: ["pipe", "pipe", "pipe"] });
  let complaint = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => log?.(text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-LOG_CHARACTERS);
    log?.(text);
  });
  const exited = new Promise<number | null>((resolve) => {
    child.once("error", (error) => {
      complaint += error.message;
      resolve(null);
    });
    child.once("close", (code) => resolve(code));
  });
  return { child, complaint: () => complaint, exited };
}

/** Lets this process end while the child still runs; the child then ends too. */
export function release({ child }: ChromaProcess): void {
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) {
    if (stream !== null && "unref" in stream && typeof stream.unref === "function") stream.unref();
  }
}
