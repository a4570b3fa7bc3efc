import { randomUUID } from "node:crypto";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { hasCode, tryJson } from "../../json-file.js";
import { checkServer, chromaClient } from "./chroma-client.js";

/** Two servers must not write one folder: this file in it says who serves it, or is about to. */
const CLAIM = "server.json";
const POLL_MILLISECONDS = 40;

/** `pid`: the process that starts the server, and once there is a `url` the server's own, which ends with that process. */
const contentSchema = z.object({ pid: z.number(), url: z.string().optional() });

/** This process's right to serve a folder. */
export interface FolderClaim {
  /** Tells the others where the server is; false where one of them has taken the folder meanwhile. */
  publish(url: string, pid: number | undefined): boolean;
  /** Gives the folder up, unless another process has it already. */
  release(): void;
}

/**
 * Takes a folder, or resolves to the URL of the server that is there already: that of a process that is just starting one
 * is waited for, at most for `startSeconds` since it began. @throws the file system's errors.
 */
export async function claimFolder(folder: string, startSeconds: number): Promise<FolderClaim | string> {
  const file = join(folder, CLAIM);
  for (;;) {
    const claim = newClaim(file);
    if (claim !== undefined) return claim;
    const other = readClaim(file);
    if (other === undefined) continue;
    if (other.url !== undefined && isAlive(other.pid) && (await answers(other.url))) return other.url;
    if (other.url === undefined && isAlive(other.pid) && other.seconds < startSeconds) await delay(POLL_MILLISECONDS);
    else remove(file, other.text);
  }
}

function newClaim(file: string): FolderClaim | undefined {
  // The token tells this claim from another one of the same process.
  const token = randomUUID();
  let text = JSON.stringify({ pid: process.pid, token });
  try {
    writeFileSync(file, text, { flag: "wx" });
  } catch (error) {
    if (hasCode(error, "EEXIST")) return undefined;
    throw error;
  }
  return {
    publish(url, pid) {
      if (readClaim(file)?.text !== text) return false;
      text = JSON.stringify({ pid, url, token });
      writeFileSync(file, text);
      return true;
    },
    release: () => remove(file, text),
  };
}

interface ReadClaim {
  readonly text: string;
  /** Since it was written. */
  readonly seconds: number;
  /** Absent in a file that is being written, or was when its process crashed: only its age ends such a claim. */
  readonly pid?: number;
  readonly url?: string | undefined;
}

/** The claim that is there; undefined where there is none. */
function readClaim(file: string): ReadClaim | undefined {
  try {
    // A clock that was set back must not make a claim last longer.
    const seconds = Math.abs(Date.now() - statSync(file).mtimeMs) / 1000;
    const text = readFileSync(file, "utf8");
    return { text, seconds, ...contentSchema.safeParse(tryJson(text)).data };
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Removes a claim, but not one that has been made in its place. */
function remove(file: string, text: string): void {
  if (readClaim(file)?.text === text) rmSync(file, { force: true });
}

function isAlive(pid: number | undefined): boolean {
  try {
    return pid === undefined || process.kill(pid, 0);
  } catch (error) {
    // There is such a process, of another user.
    return hasCode(error, "EPERM");
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    await checkServer(chromaClient(url), url);
    return true;
  } catch {
    return false;
  }
}
