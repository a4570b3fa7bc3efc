import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import protobuf from "protobufjs";
import { describe, expect, it } from "vitest";
import { RunLog } from "../../../src/train/run/run-log.js";
import { EventFile, eventFiles, removeEventFiles, scalarsOf } from "../../../src/train/run/tensorboard.js";
import { temporaryFolder } from "../../model/reference.js";
import { metricsOf } from "../metrics-of.js";

/** The part of TensorFlow's event.proto and summary.proto that scalars need. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message SessionLog { int32 status = 1; }
  message Value { string tag = 1; float simple_value = 2; }
  message Summary { repeated Value value = 1; }
  message Event {
    double wall_time = 1; int64 step = 2;
    oneof what { string file_version = 3; Summary summary = 5; SessionLog session_log = 7; }
  }`);
const eventType = root.lookupType("Event");

/** CRC-32C by long division over GF(2), bit by bit and highest first: another way than the table's. */
function crc32c(data: Uint8Array): number {
  const reflect = (value: number, bits: number) =>
    Number.parseInt([...value.toString(2).padStart(bits, "0")].reverse().join(""), 2);
  let remainder = 0xffffffff;
  for (const byte of data) {
    remainder = (remainder ^ (reflect(byte, 8) << 24)) >>> 0;
    for (let bit = 0; bit < 8; bit++) {
      const carry = remainder >= 2 ** 31;
      remainder = (((remainder << 1) >>> 0) ^ (carry ? 0x1edc6f41 : 0)) >>> 0;
    }
  }
  return reflect((remainder ^ 0xffffffff) >>> 0, 32);
}

/** Reads a file of records, and checks its checksums. */
function events(bytes: Buffer): object[] {
  const found = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    const parts = [bytes.subarray(at, at + 8), bytes.subarray(at + 12, at + 12 + length)] as const;
    const stored = [bytes.readUInt32LE(at + 8), bytes.readUInt32LE(at + 12 + length)];
    // The mask undone: subtract, then rotate to the left by 15 bits.
    const unmasked = stored.map((crc) => {
      const rotated = (crc - 0xa282ead8) >>> 0;
      return ((rotated << 15) | (rotated >>> 17)) >>> 0;
    });
    expect(unmasked).toEqual(parts.map(crc32c));
    found.push(eventType.toObject(eventType.decode(parts[1]), { longs: Number }));
    at += 16 + length;
  }
  return found;
}

/** A clock that goes on by half a second each time. */
function clock(from: number): () => number {
  let now = from - 500;
  return () => {
    now += 500;
    return now;
  };
}

describe("event files", () => {
  it("are checked by a checksum that gives the standard's value", () => {
    expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
  });

  it("hold a version, and then each step's scalars with their wall time", async () => {
    const folder = await temporaryFolder();
    const file = await EventFile.create(folder, 0, clock(1_700_000_000_000));
    await file.append(1, { reward: 0.5, operations: { ADD: 3 } });
    await file.append(300, { reward: -1.25 });
    expect(await eventFiles(folder)).toEqual(["events.out.tfevents.1700000000000.memory-r1"]);
    expect(events(await readFile(join(folder, "events.out.tfevents.1700000000000.memory-r1")))).toEqual([
      { wallTime: 1_700_000_000, fileVersion: "brain.Event:2" },
      {
        wallTime: 1_700_000_000.5,
        step: 1,
        summary: {
          value: [
            { tag: "reward", simpleValue: 0.5 },
            { tag: "operations/ADD", simpleValue: 3 },
          ],
        },
      },
      { wallTime: 1_700_000_001, step: 300, summary: { value: [{ tag: "reward", simpleValue: -1.25 }] } },
    ]);
  });

  it("of a run that goes on tell readers to forget the steps after its checkpoint", async () => {
    const folder = await temporaryFolder();
    await EventFile.create(folder, 4, clock(1_700_000_000_000));
    const [name] = await eventFiles(folder);
    expect(name).toBe("events.out.tfevents.1700000000000.memory-r1.4");
    // SessionLog.START is 1.
    expect(events(await readFile(join(folder, name!)))[1]).toEqual({
      wallTime: 1_700_000_000,
      step: 5,
      sessionLog: { status: 1 },
    });
  });

  it("keep all steps of a run that goes on after a warm start, which left none", async () => {
    const [warm, out, checkpoint] = [await temporaryFolder(), await temporaryFolder(), await temporaryFolder()];
    await writeFile(join(warm, "metrics.jsonl"), "");
    const now = clock(1_700_000_000_000);
    const log = await RunLog.open(out, { from: warm, sameRun: false, tensorboard: { now } });
    for (const step of [21, 22]) await log.append(step, metricsOf(), { rollout: 1, update: 1 });
    await log.save(checkpoint);
    await RunLog.open(out, { from: checkpoint, sameRun: true, tensorboard: { now } });
    const last = (await eventFiles(out)).at(-1)!;
    expect(events(await readFile(join(out, last)))[1]).toMatchObject({ step: 23, sessionLog: { status: 1 } });
  });

  it("are removed for a new run, and those of others are not", async () => {
    const folder = await temporaryFolder();
    await EventFile.create(folder, 0, clock(1));
    await EventFile.create(folder, 7, clock(2));
    const other = "events.out.tfevents.1700000000.host.12.0";
    await mkdir(join(folder, "adapter"));
    await writeFile(join(folder, other), "");
    expect(await eventFiles(folder)).toHaveLength(2);
    await removeEventFiles(folder);
    expect(await eventFiles(folder)).toEqual([]);
    expect(await readFile(join(folder, other), "utf8")).toBe("");
  });
});

describe("scalars", () => {
  it("are the numbers at any depth, by their path; lists and texts are none", () => {
    const values = { a: 1, deep: { b: Number.NaN, deeper: { c: 0 } }, text: "x", list: [{ d: 4 }], none: null };
    expect([...scalarsOf(values)]).toEqual([
      ["a", 1],
      ["deep/b", Number.NaN],
      ["deep/deeper/c", 0],
    ]);
  });
});
