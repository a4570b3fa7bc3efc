import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll } from "vitest";

/** A request on its way to the real server. */
export interface Passing {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  /** The JSON body; empty where there is none. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** What the proxy answers in the server's place. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export interface ChromaProxy {
  readonly url: string;
  readonly passed: Passing[];
}

const proxies: Server[] = [];

afterAll(() => {
  for (const proxy of proxies) proxy.close();
});

/** Passes requests to a Chroma server, except those that `intercept` answers; on 127.0.0.1. */
export async function chromaProxy(
  to: string,
  intercept: (request: Passing) => Answer | undefined,
): Promise<ChromaProxy> {
  const passed: Passing[] = [];
  const proxy = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const { method = "GET", url: path = "/", headers } = incoming;
    const body = text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
    const request: Passing = { method, path, headers, body };
    passed.push(request);
    const answer = intercept(request);
    if (answer !== undefined) {
      outgoing.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(answer.body));
      return;
    }
    const init = { method, headers: { "content-type": "application/json" }, ...(text === "" ? {} : { body: text }) };
    const response = await fetch(new URL(path, to), init);
    outgoing.writeHead(response.status, { "content-type": "application/json" }).end(await response.text());
  }).listen(0, "127.0.0.1");
  proxies.push(proxy);
  await once(proxy, "listening");
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, passed };
}
