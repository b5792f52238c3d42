/**
 * A server that answers as a test says, over the real protocol: for what a real Killcord does not
 * do on request, such as losing a connection, lying about file names, or being something else.
 */

import { createServer, type ServerHttp2Session } from "node:http2";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { type Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import type { FieldIssue } from "../../src/services/errors.js";

/** A server on a free port of this machine. */
export interface ScriptedServer {
  readonly url: string;
  /** The headers of every request, in order of arrival. */
  readonly requests: { readonly path: string; readonly key: string | undefined }[];
  /** Drops every connection, and goes on listening. */
  dropConnections(): void;
  close(): Promise<void>;
}

/** Starts one; its routes are Connect's. */
export async function scriptedServer(routes: (router: ConnectRouter) => void): Promise<ScriptedServer> {
  const requests: ScriptedServer["requests"] = [];
  const sessions = new Set<ServerHttp2Session>();
  const adapter = connectNodeAdapter({ routes });
  const server = createServer((request, response) => {
    const key = request.headers["x-api-key"];
    requests.push({ path: request.url, key: typeof key === "string" ? key : undefined });
    adapter(request, response);
  });
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const dropConnections = () => {
    for (const session of sessions) session.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    dropConnections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        dropConnections();
      }),
  };
}

/** A refusal as Killcord sends it. */
export function refusal(
  code: Code,
  reason: string,
  message: string,
  more: { readonly details?: readonly FieldIssue[]; readonly request_id?: string } = {},
): ConnectError {
  const violations = (more.details ?? []).map(({ field, issue }) => ({ field, description: issue }));
  const headers = new Headers(more.request_id === undefined ? {} : { "x-request-id": more.request_id });
  return new ConnectError(message, code, headers, [
    { desc: ErrorInfoSchema, value: { reason, domain: "killcord" } },
    ...(violations.length === 0 ? [] : [{ desc: BadRequestSchema, value: { fieldViolations: violations } }]),
  ]);
}

/** An address of this machine where nobody listens. */
export async function deadUrl(): Promise<string> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return `http://127.0.0.1:${port}`;
}
