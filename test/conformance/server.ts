/**
 * The server under test of connectconformance: our port and our RPC handler with the suite's service
 * on them. Reads how to serve from standard input and says where it does on standard output.
 *
 * node server.js DESCRIPTORS
 */
import { pino } from "pino";
import { limits } from "../../src/limits.js";
import { openPort } from "../../src/rpc/port.js";
import { createRpcHandler } from "../../src/rpc/routes.js";
import type { TlsIdentity } from "../../src/rpc/tls.js";
import { conformanceMount } from "./answers.js";
import { type Fields, readSchema } from "./schema.js";

interface Wanted {
  readonly useTls: boolean;
  readonly clientTlsCert: Uint8Array;
  readonly messageReceiveLimit: number;
  readonly serverCreds?: { readonly cert: Uint8Array; readonly key: Uint8Array };
}

const schema = readSchema(process.argv[2] ?? "");
process.once("SIGTERM", () => process.exit(0));

const wanted = await readWanted();
const bounds = {
  ...limits,
  ...(wanted.messageReceiveLimit > 0 ? { request_body_bytes: wanted.messageReceiveLimit } : {}),
};
const handler = createRpcHandler({
  mounts: [conformanceMount(schema)],
  authenticate: () => {
    throw new Error("the suite's service needs no key");
  },
  log: pino({ level: "silent" }),
  bounds,
  registry: schema.registry,
  // The suite counts the details of each error, and wants its own alone.
  details: false,
});
const tls = identityOf(wanted);
const { address } = await openPort({
  host: "127.0.0.1",
  port: 0,
  handler: (request, reply) => void handler.handle(request, reply),
  tls,
  bounds,
});
write(schema.make("ServerCompatResponse", { ...address, ...(tls === null ? {} : { pemCert: tls.cert }) }));

async function readWanted(): Promise<Wanted> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Buffer);
  }
  // A 4-byte length, then the message.
  return schema.read("ServerCompatRequest", Buffer.concat(chunks).subarray(4)) as unknown as Wanted;
}

function identityOf({ useTls, serverCreds, clientTlsCert }: Wanted): TlsIdentity | null {
  if (!useTls || serverCreds === undefined) {
    return null;
  }
  const client_ca = clientTlsCert.length === 0 ? null : Buffer.from(clientTlsCert);
  return { cert: Buffer.from(serverCreds.cert), key: Buffer.from(serverCreds.key), client_ca };
}

function write(message: Fields): void {
  const bytes = schema.write(message);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  process.stdout.write(Buffer.concat([length, bytes]));
}
