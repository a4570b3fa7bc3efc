import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll } from "vitest";

/** What a fake server sends: whole, or in pieces where `pieces` is given. */
export interface Sent {
  readonly status?: number;
  readonly type: string;
  readonly pieces: readonly string[];
}

export interface JsonServer {
  readonly url: string;
  /** Bodies of the requests, as they came. */
  readonly asked: Readonly<Record<string, unknown>>[];
}

const servers: Server[] = [];

afterAll(() => {
  for (const server of servers) server.close();
});

/** A server of JSON requests on 127.0.0.1, closed after the tests of the file. */
export async function jsonServer(reply: (body: Record<string, unknown>, path: string) => Sent): Promise<JsonServer> {
  const asked: Record<string, unknown>[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString() || "{}") as Record<string, unknown>;
    asked.push(body);
    const { status = 200, type, pieces } = reply(body, incoming.url ?? "");
    // A kept connection is closed by the server after five seconds, which on a busy machine falls into the next request.
    outgoing.writeHead(status, { "content-type": type, connection: "close" });
    for (const piece of pieces) outgoing.write(piece);
    outgoing.end();
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}
