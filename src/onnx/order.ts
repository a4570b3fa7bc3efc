import { type Dim, parseDim, parseShare } from "./dimension.js";
import type { LoopBody } from "./op.js";
import type { Node, Value } from "./value.js";

/** The nodes that the roots need, each after those it takes its inputs from. Iterative: graphs are thousands of nodes deep. */
export function topologicalOrder(
  roots: readonly Value[],
  inputsOf: (node: Node) => readonly Value[] = dependencies,
): Node[] {
  const order: Node[] = [];
  const state = new Map<Node, "open" | "done">();
  const stack: Node[] = [];
  const push = (value: Value) => {
    if (value.source.kind === "node" && !state.has(value.source.node)) stack.push(value.source.node);
  };
  for (const root of roots) {
    push(root);
    while (stack.length > 0) {
      const node = stack.at(-1)!;
      if (state.get(node) === undefined) {
        state.set(node, "open");
        for (const x of inputsOf(node)) push(x);
      } else {
        stack.pop();
        if (state.get(node) === "open") {
          state.set(node, "done");
          order.push(node);
        }
      }
    }
  }
  return order;
}

/** What a node needs from the graph around it: its inputs, and for a loop whatever its body takes from outside. */
export function dependencies(node: Node): readonly Value[] {
  return node.op === "Loop"
    ? [...node.inputs, ...captures((node as Node<"Loop">).attributes.body).outside]
    : node.inputs;
}

/** What a loop body reaches: the nodes to run on each trip, and the values that are computed once outside. */
export interface Captures {
  readonly inside: readonly Node[];
  readonly outside: readonly Value[];
}

const known = new WeakMap<LoopBody, Captures>();

/** Loops within loops ask again and again; bodies are immutable, and thousands of nodes large. */
export function captures(body: LoopBody): Captures {
  const found = known.get(body) ?? findCaptures(body);
  known.set(body, found);
  return found;
}

function findCaptures(body: LoopBody): Captures {
  const within = new Set<Value>([body.iteration, ...body.states]);
  const growing = growingDims(body);
  const results = [body.proceed, ...body.nextStates, ...body.scans];
  const inside: Node[] = [];
  for (const node of topologicalOrder(results)) {
    const bound = growing.size > 0 && node.outputs.some((y) => dimNames(y).some((name) => growing.has(name)));
    if (bound || dependencies(node).some((x) => within.has(x))) {
      inside.push(node);
      for (const y of node.outputs) within.add(y);
    }
  }
  const outside = new Set<Value>();
  for (const x of [...inside.flatMap(dependencies), ...results]) if (!within.has(x)) outside.add(x);
  return { inside, outside: [...outside] };
}

/** Dimensions that a state has on one trip and not on the next: what has them can only be computed inside. */
function growingDims({ states, nextStates }: LoopBody): ReadonlySet<string> {
  const changing = states.flatMap((state, i) =>
    state.shape.filter((dim, axis) => dim !== nextStates[i]?.shape[axis]).flatMap(namesIn),
  );
  return new Set(changing);
}

const dimNames = (value: Value): readonly string[] => value.shape.flatMap(namesIn);

const namesIn = (dim: Dim): readonly string[] =>
  typeof dim === "number"
    ? []
    : [...parseDim(dim).keys()]
        .flatMap((monomial) => monomial.split("*"))
        .filter(Boolean)
        .map((name) => parseShare(name)?.whole ?? name);
