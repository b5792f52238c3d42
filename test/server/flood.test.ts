/**
 * More than the server can take, from agents, over many streams and calls at once. Not one stop is refused,
 * nor an acknowledgement of one; and none waits for the flood: it is answered after a bounded number of the
 * flood's answers, however much of the flood waits. (That they have room where the queue of actions is full
 * shows test/engine/lanes.test.ts, over a disk that stands still.)
 */
import { type ClientHttp2Session, connect } from "node:http2";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { expect } from "chai";
import {
  InterceptStreamRequestSchema,
  InterceptStreamResponseSchema,
} from "../../gen/killcord/v1/enforcement_pb.js";
import { Envelopes } from "../campaign/envelopes.js";
import { exported } from "../campaign/evidence.js";
import { type Served, serve } from "./served.js";
import type { Said } from "./talk.js";

const streams = 24;
/** Messages that each stream has under way, twice what the server takes of one at a time. */
const in_flight = 512;
const callers = 32;
/** Of each kind of stop. */
const stops = 3;

interface Reply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

describe("a flood of everything that agents may call", () => {
  let server: Served;
  const sessions: ClientHttp2Session[] = [];
  before(async () => {
    server = await serve({ flags: ["--log-level", "silent"] });
  });
  after(async () => {
    for (const session of sessions) {
      session.destroy();
    }
    await server.end();
  });

  function open(): ClientHttp2Session {
    const session = connect(server.url);
    session.on("error", () => {});
    sessions.push(session);
    return session;
  }

  function post(session: ClientHttp2Session, key: string, path: string, body: object = {}): Promise<Reply> {
    const stream = session.request({ ":method": "POST", ":path": path, "x-api-key": key });
    let status = 0;
    let text = "";
    stream.setEncoding("utf8");
    stream.on("response", (headers) => {
      status = Number(headers[":status"]);
    });
    stream.on("data", (piece: string) => {
      text += piece;
    });
    stream.end(JSON.stringify(body));
    return new Promise((resolve, reject) => {
      stream.on("error", reject);
      stream.on("end", () => resolve({ status, body: text === "" ? {} : JSON.parse(text) }));
    });
  }

  async function agent(session: ClientHttp2Session, name: string) {
    const { body } = await post(session, server.admin_key, "/v1/enforce/agents", { name });
    return body.credential as { readonly credential_id: string; readonly secret: string };
  }

  async function start(session: ClientHttp2Session, key: string, more: object = {}): Promise<string> {
    const { body } = await post(session, key, "/v1/enforce/sessions/start", more);
    return String(body.session_id);
  }

  it("refuses agents, and not one stop or acknowledgement", async () => {
    const operator = open();
    const flooding = await agent(operator, "flood-bot");
    const counts = { answers: 0, calls: 0 };
    let over = false;
    const isOver = () => over;

    const flooders = await Promise.all(
      Array.from({ length: streams }, () => start(operator, flooding.secret)),
    );
    const ended = await start(operator, flooding.secret);
    const killed = await start(operator, flooding.secret);
    const { body } = await post(operator, server.admin_key, `/v1/enforce/sessions/${killed}/kill`);
    const acknowledged = { halt_id: body.halt_id, phase: "stopping" };
    const asks: readonly (readonly [path: string, body: object])[] = [
      [`/v1/enforce/sessions/start`, {}],
      [`/v1/enforce/sessions/${ended}/heartbeat`, {}],
      [`/v1/enforce/sessions/${ended}/end`, {}],
      [`/v1/enforce/sessions/${killed}/acknowledge`, acknowledged],
      [`/v1/enforce/intercept`, { session_id: killed, action_type: "step" }],
    ];
    const victims = await Promise.all(
      Array.from({ length: 2 * stops }, async (_, i) => {
        const credential = await agent(operator, `victim-${i}`);
        return {
          ...credential,
          session_id: await start(operator, server.admin_key, { agent_id: `victim-${i}` }),
        };
      }),
    );
    const flooded = flooders.map((session_id) => flood(open(), flooding.secret, session_id, counts, isOver));
    const called = Array.from({ length: callers }, async (_, i) => {
      const session = open();
      for (let n = i; !over; n++) {
        const [path, asked] = asks[n % asks.length] as (typeof asks)[number];
        await post(session, flooding.secret, path, asked);
        counts.calls += 1;
      }
    });
    /** Answers that the flood got while each stop was under way. */
    const overtaken: number[] = [];
    const refused: Reply[] = [];
    const accepted = (reply: Reply) => {
      if (reply.status !== 200) {
        refused.push(reply);
      }
      return reply.body;
    };
    for (const [i, { session_id, credential_id, secret }] of victims.entries()) {
      await more(counts, 250);
      const path =
        i < stops
          ? `/v1/enforce/sessions/${session_id}/kill`
          : `/v1/enforce/credentials/${credential_id}/revoke`;
      const before = counts.answers;
      accepted(await post(operator, server.admin_key, path, { reason: "enough" }));
      overtaken.push(counts.answers - before);
      const shown = await post(operator, secret, `/v1/enforce/sessions/${session_id}/heartbeat`);
      const halt_id = (shown.body.halt_id ?? shown.body.session) as unknown;
      const agents_own = `/v1/enforce/sessions/${session_id}/acknowledge`;
      accepted(await post(operator, secret, agents_own, { halt_id, phase: "stopping" }));
      accepted(
        await post(operator, secret, agents_own, { halt_id, phase: "stopped", evidence: "tasks_cancelled" }),
      );
    }
    over = true;
    await Promise.all([...flooded, ...called]);
    console.log(`      the flood: ${counts.answers} answers on streams, ${counts.calls} calls`);
    console.log(`      answered to it while a stop was under way: ${overtaken.join(", ")}`);
    expect(refused).to.deep.equal([]);
    expect(counts.calls).to.be.above(callers);
    // Far less than what waited at any moment, which is a message for each place in flight.
    expect(Math.max(...overtaken)).to.be.below((streams * in_flight) / 2);

    await server.end();
    const log = await exported(server.data);
    for (const { session_id } of victims) {
      expect(log.sessions.get(session_id)?.stop?.status).to.equal("killed");
    }
  }).timeout(240_000);
});

/** Resolves when the flood has had so many answers more. */
async function more(counts: { readonly answers: number }, answers: number): Promise<void> {
  const until = counts.answers + answers;
  while (counts.answers < until) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Keeps a stream as full as it may be until it is over; resolves when it has ended. */
async function flood(
  http2: ClientHttp2Session,
  key: string,
  session_id: string,
  counts: { answers: number },
  isOver: () => boolean,
): Promise<void> {
  const stream = http2.request({
    ":method": "POST",
    ":path": "/killcord.v1.EnforcementService/InterceptStream",
    "content-type": "application/grpc",
    te: "trailers",
    "x-api-key": key,
  });
  stream.on("error", () => {});
  const one = bytesOf({ case: "intercept", value: { ref: 1, action: { actionType: "step" } } });
  const some = (count: number) => Buffer.concat(Array.from({ length: count }, () => one));
  stream.write(bytesOf({ case: "open", value: { sessionId: session_id } }));
  stream.write(some(in_flight));
  const envelopes = new Envelopes();
  stream.on("data", (piece: Buffer) => {
    let answered = 0;
    for (const { bytes } of envelopes.take(piece)) {
      const { message } = fromBinary(InterceptStreamResponseSchema, bytes);
      answered += message.case === "verdict" || message.case === "error" ? 1 : 0;
    }
    counts.answers += answered;
    if (isOver()) {
      stream.end();
    } else if (answered > 0) {
      stream.write(some(answered));
    }
  });
  await new Promise((resolve) => stream.once("close", resolve));
}

function bytesOf(message: Said): Uint8Array {
  const request = create(InterceptStreamRequestSchema, { message } as never);
  return encodeEnvelope(0, toBinary(InterceptStreamRequestSchema, request));
}
