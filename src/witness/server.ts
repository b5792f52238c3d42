/** A witness over HTTP: POST /add-checkpoint as C2SP tlog-witness has it, and GET /vkey. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { limits } from "../limits.js";
import type { Witness } from "./witness.js";

export interface WitnessServer {
  readonly port: number;
  /** Ends when requests under way are answered. */
  readonly close: () => Promise<void>;
}

/**
 * Listens. Everything that is said is public and signed, so there is no TLS and no key.
 *
 * @param onFatal called when a record could not be written: the witness must not go on
 */
export async function openWitnessServer(
  witness: Witness,
  { host, port }: { readonly host: string; readonly port: number },
  onFatal: (error: Error) => void,
): Promise<WitnessServer> {
  const server = createServer({
    requestTimeout: limits.headers_ms,
    headersTimeout: limits.headers_ms,
    maxHeaderSize: limits.headers_bytes,
  });
  server.maxConnections = limits.witness_connections;
  server.on("request", (request, response) => {
    answer(witness, request, response).catch((error: Error) => {
      send(response, 500, "the witness cannot write its record\n");
      onFatal(error);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return { port: (server.address() as AddressInfo).port, close: () => closed(server) };
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}

async function answer(witness: Witness, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = "", url = "" } = request;
  const is_read = method === "GET" || method === "HEAD";
  switch (url) {
    case "/vkey":
      return is_read ? send(response, 200, `${witness.vkey}\n`) : refuseMethod(response, "GET, HEAD");
    case "/add-checkpoint":
      break;
    default:
      return send(response, 404, "there is POST /add-checkpoint and GET /vkey\n");
  }
  if (method !== "POST") {
    return refuseMethod(response, "POST");
  }
  const body = await bodyOf(request);
  if (body === "gone") {
    return;
  }
  if (body === "large") {
    response.setHeader("connection", "close");
    return send(response, 413, `a request has at most ${limits.witness_request_bytes} bytes\n`);
  }
  const { status, body: text, type } = await witness.addCheckpoint(body);
  send(response, status, text, type);
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array | "large" | "gone"> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      length += (chunk as Buffer).length;
      if (length > limits.witness_request_bytes) {
        return "large";
      }
      chunks.push(chunk as Buffer);
    }
  } catch {
    return "gone";
  }
  return Buffer.concat(chunks);
}

function refuseMethod(response: ServerResponse, allowed: string): void {
  response.setHeader("allow", allowed);
  send(response, 405, `this path takes ${allowed}\n`);
}

function send(
  response: ServerResponse,
  status: number,
  body: string,
  type = "text/plain; charset=utf-8",
): void {
  if (!response.headersSent) {
    response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) });
    response.end(body);
  }
}
