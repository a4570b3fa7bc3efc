import { mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { StoreError } from "../../errors.js";
import { type ChromaBinding, chromaBindings } from "./chroma-bindings.js";
import { claimFolder, type FolderClaim } from "./chroma-claim.js";
import { checkServer, chromaClient } from "./chroma-client.js";
import { type ChromaProcess, NOT_LOADED, release, startProcess } from "./chroma-process.js";

export interface ChromaServerOptions {
  /** The data folder; created if missing. */
  readonly path: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Receives the server's output. */
  readonly log?: (text: string) => void;
  /** The binaries to try, in order. Default: those that are installed for this platform. */
  readonly bindings?: readonly ChromaBinding[];
}

export interface ChromaServer {
  readonly url: string;
  readonly path: string;
  /** The server's process; undefined where a server was already started on this folder, here or by another process. */
  readonly pid: number | undefined;
  /** Stops the server for everyone who shares it, if this call started it. */
  stop(): Promise<void>;
}

const START_SECONDS = 30;

/**
 * Serves a data folder on 127.0.0.1 with the Chroma server from chromadb's npm packages, in a child process that ends
 * with this one. A folder that is already being served, or is about to be, is shared.
 * @throws StoreError if no binary loads (with the reason for each), or the server does not start.
 */
export async function startChromaServer(options: ChromaServerOptions): Promise<ChromaServer> {
  const path = resolve(options.path);
  const claim = await takeFolder(path);
  if (typeof claim === "string") return { url: claim, path, pid: undefined, stop: async () => undefined };
  try {
    const { server, url } = await startFirst(path, options);
    const served = await serve(server, url, path, claim);
    // Another process took this one for ended, say while it was suspended: the folder is its own.
    return served ?? (await startChromaServer(options));
  } catch (error) {
    claim.release();
    throw error;
  }
}

async function takeFolder(path: string): Promise<FolderClaim | string> {
  try {
    await mkdir(path, { recursive: true });
    return await claimFolder(path, START_SECONDS);
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

function unwritable(path: string, cause: unknown): StoreError {
  return new StoreError({
    what: "the data folder of the Chroma server cannot be written",
    where: path,
    remedy: "choose a folder that can be written",
    cause,
  });
}

interface StartedServer {
  readonly server: ChromaProcess;
  readonly url: string;
}

/** A server from the first binding that loads. */
async function startFirst(path: string, options: ChromaServerOptions): Promise<StartedServer> {
  const reasons: string[] = [];
  for (const { name, path: binding } of options.bindings ?? chromaBindings()) {
    const started = binding === undefined ? "not installed" : await startBinding(binding, path, options);
    if (typeof started !== "string") return started;
    reasons.push(`${name}: ${started}`);
  }
  throw new StoreError({
    what: "no Chroma server binary loads on this machine",
    where: `${process.platform}-${process.arch}`,
    expected: "one of chromadb's npm binding packages to load (Linux with glibc 2.34 or newer, or macOS; x64 or arm64)",
    found: reasons.length === 0 ? "no package for this platform" : reasons.join(" | "),
    remedy: "install the optional dependencies of this package, or set CHROMA_URL to a running Chroma server",
    cause: new AggregateError(reasons.map((reason) => new Error(reason))),
  });
}

/** The server, or why the binding does not load. */
async function startBinding(
  binding: string,
  path: string,
  options: ChromaServerOptions,
): Promise<StartedServer | string> {
  const port = await freePort(options.port, path);
  const server = startProcess(binding, { path, port }, options.log);
  const url = `http://127.0.0.1:${port}`;
  const failure = await untilUp(server, url);
  if (failure === undefined) return { server, url };
  server.child.kill("SIGKILL");
  const code = await server.exited;
  if (code === NOT_LOADED) return server.complaint();
  throw new StoreError({
    what: failure.exited ? "the Chroma server ended at its start" : "the Chroma server does not answer",
    where: `${url}, data in ${path}`,
    found: server.complaint().trim() || `exit code ${code} and no message`,
    remedy: "check the data folder, or set CHROMA_URL to a running Chroma server",
    cause: failure.cause,
  });
}

async function untilUp(server: ChromaProcess, url: string): Promise<{ exited: boolean; cause: unknown } | undefined> {
  const exited = server.exited.then(() => "exited" as const);
  const client = chromaClient(url);
  const deadline = Date.now() + START_SECONDS * 1000;
  for (let cause: unknown; ; ) {
    if ((await Promise.race([exited, delay(40)])) === "exited") return { exited: true, cause };
    try {
      await checkServer(client, url);
      return undefined;
    } catch (error) {
      cause = error;
    }
    if (Date.now() > deadline) return { exited: false, cause };
  }
}

/** Lets others find the server; ends it and resolves to undefined where one of them has taken the folder meanwhile. */
async function serve(
  server: ChromaProcess,
  url: string,
  path: string,
  claim: FolderClaim,
): Promise<ChromaServer | undefined> {
  const { child } = server;
  const kill = () => child.kill("SIGKILL");
  const stop = async () => {
    process.off("exit", kill);
    // An acknowledged write is on disk already, so that killing is safe; the binding would ignore a gentler signal.
    kill();
    child.ref();
    await server.exited;
    claim.release();
  };
  process.once("exit", kill);
  try {
    if (!claim.publish(url, child.pid)) {
      await stop();
      return undefined;
    }
  } catch (cause) {
    await stop();
    throw unwritable(path, cause);
  }
  release(server);
  return { url, path, pid: child.pid, stop };
}

/** A port that nobody listens on: else the heartbeat of another server would pass for that of ours. */
function freePort(wanted: number | undefined, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (cause) =>
      reject(
        new StoreError({
          what: "the Chroma server cannot listen on this port",
          where: `127.0.0.1:${wanted ?? 0}, data in ${path}`,
          found: cause.message,
          remedy: "choose another port, or none to use a free one",
          cause,
        }),
      ),
    );
    probe.listen(wanted ?? 0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
