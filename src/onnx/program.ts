import { type ModelDefinition, programOutput, programSwitch } from "./emit.js";
import type { HostTensor, Runnable, Session } from "./session.js";
import { encode, inputName, type Value } from "./value.js";

/** The programs of one session that `emitPrograms` made, each to be run as if it were alone. */
export function programsOf(
  session: Session,
  programs: Readonly<Record<string, ModelDefinition>>,
): ReadonlyMap<string, Runnable> {
  const idle: Record<string, HostTensor> = {};
  for (const name of Object.keys(programs)) idle[programSwitch(name)] = flag(false);
  for (const x of Object.values(programs).flatMap(({ inputs }) => inputs)) idle[inputName(x)] = smallest(x);
  return new Map(
    Object.entries(programs).map(([name, { inputs, outputs }]) => [
      name,
      new Program(session, name, new Set(inputs.map(inputName)), Object.keys(outputs), idle),
    ]),
  );
}

/** Knows names alone: a graph of thousands of nodes that it held would be walked by every garbage collection. */
class Program implements Runnable {
  constructor(
    private readonly session: Session,
    private readonly name: string,
    private readonly inputs: ReadonlySet<string>,
    private readonly outputs: readonly string[],
    private readonly idle: Readonly<Record<string, HostTensor>>,
  ) {}

  takes(input: string): boolean {
    return this.inputs.has(input);
  }

  async run(
    feeds: Readonly<Record<string, HostTensor>>,
    outputs: readonly string[] = this.outputs,
  ): Promise<Record<string, HostTensor>> {
    const results = await this.session.run(
      { ...this.idle, ...feeds, [programSwitch(this.name)]: flag(true) },
      outputs.map((output) => programOutput(this.name, output)),
    );
    return Object.fromEntries(outputs.map((output) => [output, results[programOutput(this.name, output)]!]));
  }
}

const flag = (on: boolean): HostTensor => ({ dtype: "bool", shape: [], data: encode([Number(on)], "bool") });

/** Fills an input that no running program reads: 1 along every open axis. */
function smallest({ dtype, shape }: Value): HostTensor {
  const dims = shape.map((dim) => (typeof dim === "number" ? dim : 1));
  const size = dims.reduce((a, b) => a * b, 1);
  return { dtype, shape: dims, data: encode(new Array<number>(size).fill(0), dtype) };
}
