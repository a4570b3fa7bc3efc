import { appendFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import protobuf from "protobufjs/minimal.js";

/**
 * TensorBoard's event files: TFRecords (length, masked CRC-32C of it, data, masked CRC-32C of that), each an `Event` of TensorFlow's
 * event.proto, whose field numbers stand here. No npm package that writes them without all of TensorFlow is kept.
 */

const CASTAGNOLI = 0x82f63b78;
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CASTAGNOLI : crc >>> 1;
  return crc;
});

function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = table[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** TFRecord's mask: a checksum over data that holds checksums itself would be weak. */
function maskedCrc(data: Uint8Array): number {
  const crc = crc32c(data);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

function record(data: Uint8Array): Buffer {
  const out = Buffer.alloc(data.length + 16);
  out.writeBigUInt64LE(BigInt(data.length), 0);
  out.writeUInt32LE(maskedCrc(out.subarray(0, 8)), 8);
  out.set(data, 12);
  out.writeUInt32LE(maskedCrc(data), 12 + data.length);
  return out;
}

/** `Event` up to its content. Wall time in seconds since 1970. */
const event = (wallTime: number, step = 0): protobuf.Writer =>
  protobuf.Writer.create().uint32(9).double(wallTime).uint32(16).int64(step);

const versionEvent = (wallTime: number): Buffer => record(event(wallTime).uint32(26).string("brain.Event:2").finish());

/** `SessionLog` START: readers forget what other files of the folder have from this step on. */
const restartEvent = (wallTime: number, step: number): Buffer =>
  record(event(wallTime, step).uint32(58).fork().uint32(8).int32(1).ldelim().finish());

function scalarsEvent(wallTime: number, step: number, scalars: ReadonlyMap<string, number>): Buffer {
  const writer = event(wallTime, step).uint32(42).fork();
  for (const [tag, value] of scalars) {
    writer.uint32(10).fork().uint32(10).string(tag).uint32(21).float(value).ldelim();
  }
  return record(writer.ldelim().finish());
}

/** Numbers of a nested object by their path: { operations: { ADD: 3 } } is "operations/ADD". Lists and texts are left out. */
export function scalarsOf(value: object, prefix = ""): Map<string, number> {
  const found = new Map<string, number>();
  for (const [name, part] of Object.entries(value) as [string, unknown][]) {
    const tag = `${prefix}${name}`;
    if (typeof part === "number") found.set(tag, part);
    if (typeof part !== "object" || part === null || Array.isArray(part)) continue;
    for (const entry of scalarsOf(part, `${tag}/`)) found.set(...entry);
  }
  return found;
}

const NAME = /^events\.out\.tfevents\.\d+\.memory-r1(\.\d+)?$/;

/** One process's event file of a run. Wall time is only here: metrics and checkpoints of equal runs stay equal. */
export class EventFile {
  private constructor(
    private readonly file: string,
    private readonly now: () => number,
  ) {}

  /** Begins a file. `from` steps of earlier files of the folder stay, later ones do not; `now` gives milliseconds since 1970. */
  static async create(folder: string, from: number, now: () => number): Promise<EventFile> {
    const started = now();
    // Readers go through the files in the order of their names.
    const file = join(folder, `events.out.tfevents.${Math.floor(started)}.memory-r1${from === 0 ? "" : `.${from}`}`);
    const records = [versionEvent(started / 1000)];
    if (from > 0) records.push(restartEvent(started / 1000, from + 1));
    await writeFile(file, Buffer.concat(records));
    return new EventFile(file, now);
  }

  /** Adds the scalars of a step, counted from 1. */
  async append(step: number, values: object): Promise<void> {
    await appendFile(this.file, scalarsEvent(this.now() / 1000, step, scalarsOf(values)));
  }
}

/** Names of the event files that this package wrote into a folder. */
export async function eventFiles(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => NAME.test(name)).sort();
}

/** Removes the event files of an older run of a folder, and no others. */
export async function removeEventFiles(folder: string): Promise<void> {
  for (const name of await eventFiles(folder)) await rm(join(folder, name));
}
