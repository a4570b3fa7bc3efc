import protobuf from "protobufjs/minimal.js";

/** What a graph consists of: operator types in order, and the graphs of its loops' bodies. */
export interface GraphOutline {
  readonly ops: readonly string[];
  readonly bodies: readonly GraphOutline[];
}

/** Reads field 7 of ModelProto, independently of the encoder. */
export function outline(model: Uint8Array): GraphOutline {
  return graphOutline(fields(model, 7)[0]!);
}

/** Shapes of the main graph's initializers: dims, field 1 of TensorProto, each by itself or all packed. */
export function initializerShapes(model: Uint8Array): number[][] {
  return fields(fields(model, 7)[0]!, 5).map((tensor) => {
    const reader = protobuf.Reader.create(tensor);
    const dims: number[] = [];
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag >>> 3 !== 1) reader.skipType(tag & 7);
      else if ((tag & 7) === 0) dims.push(Number(reader.int64()));
      else for (const end = reader.uint32() + reader.pos; reader.pos < end; ) dims.push(Number(reader.int64()));
    }
    return dims;
  });
}

function graphOutline(graph: Uint8Array): GraphOutline {
  const nodes = fields(graph, 1);
  return {
    ops: nodes.map((node) => new TextDecoder().decode(fields(node, 4)[0])),
    bodies: nodes.flatMap((node) => fields(node, 5).flatMap((attribute) => fields(attribute, 6).map(graphOutline))),
  };
}

/** The payloads of a message's length-delimited field. */
function fields(message: Uint8Array, field: number): Uint8Array[] {
  const reader = protobuf.Reader.create(message);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === field && (tag & 7) === 2) found.push(reader.bytes());
    else reader.skipType(tag & 7);
  }
  return found;
}
