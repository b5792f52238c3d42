/**
 * Streams whose connections break at any moment, with many actions in flight: what was told is sealed,
 * what is sealed is counted, each action at most once, and nothing else is.
 */
import type { ClientHttp2Stream } from "node:http2";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { expect } from "chai";
import fc from "fast-check";
import {
  type InterceptResponse,
  InterceptStreamRequestSchema,
  InterceptStreamResponseSchema,
  Verdict,
} from "../../gen/killcord/v1/enforcement_pb.js";
import { SessionService } from "../../gen/killcord/v1/session_pb.js";
import { VaultService } from "../../gen/killcord/v1/vault_pb.js";
import { type GrpcClient, openGrpcClient } from "../rpc/grpc-client.js";
import { openHttp2 } from "../rpc/raw.js";
import { type Served, serve } from "./served.js";
import type { Said } from "./talk.js";

/** How one stream goes: what it asks, when it is left and how. */
interface Course {
  readonly asks: number;
  readonly max_actions: number;
  /** Verdicts that are heard before it is left. */
  readonly heard: number;
  /** `tear`: in the middle of a message; the others: the socket, the stream, the request's end. */
  readonly leave: "socket" | "stream" | "tear" | "end" | "kill";
}

const course: fc.Arbitrary<Course> = fc.record({
  asks: fc.integer({ min: 1, max: 120 }),
  max_actions: fc.constantFrom(5, 50, 1000),
  heard: fc.nat({ max: 60 }),
  leave: fc.constantFrom("socket", "stream", "tear", "end", "kill"),
});

interface Sealed {
  readonly event: string;
  readonly session_id?: string;
  readonly decision_id?: string;
  readonly decision?: string;
  readonly action_type?: string;
}

describe("InterceptStream, cut at any moment", () => {
  let server: Served;
  let admin: GrpcClient;
  before(async () => {
    server = await serve();
    admin = openGrpcClient(server.address, { "x-api-key": server.admin_key });
  });
  after(async () => {
    admin.close();
    await server.end();
  });

  const say = (stream: ClientHttp2Stream, message: Said) => {
    const bytes = toBinary(
      InterceptStreamRequestSchema,
      create(InterceptStreamRequestSchema, { message } as never),
    );
    stream.write(encodeEnvelope(0, bytes));
  };
  const ask = (stream: ClientHttp2Stream, ref: number) =>
    say(stream, { case: "intercept", value: { ref, action: { actionType: `act-${ref}` } } });

  /** Goes a course, and answers what was heard by the time when nothing more can be. */
  async function go(
    session_id: string,
    { asks, heard, leave }: Course,
  ): Promise<Map<number, InterceptResponse>> {
    const verdicts = new Map<number, InterceptResponse>();
    const http2 = openHttp2(Number(new URL(server.url).port));
    const stream = http2.request({
      ":method": "POST",
      ":path": "/killcord.v1.EnforcementService/InterceptStream",
      "content-type": "application/grpc",
      te: "trailers",
      "x-api-key": server.admin_key,
    });
    stream.on("error", () => {});
    const closed = new Promise<void>((resolve) => stream.once("close", resolve));
    const enough = new Promise<void>((resolve) => {
      let rest = Buffer.alloc(0);
      stream.once("end", resolve);
      stream.once("close", resolve);
      stream.on("data", (piece: Buffer) => {
        rest = Buffer.concat([rest, piece]);
        while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
          const end = 5 + rest.readUInt32BE(1);
          const { message } = fromBinary(InterceptStreamResponseSchema, rest.subarray(5, end));
          rest = rest.subarray(end);
          if (message.case === "verdict" && message.value.verdict !== undefined) {
            verdicts.set(message.value.ref, message.value.verdict);
          }
        }
        if (verdicts.size >= Math.min(heard, asks)) {
          resolve();
        }
      });
    });
    say(stream, { case: "open", value: { sessionId: session_id } });
    for (let ref = 1; ref <= asks; ref++) {
      ask(stream, ref);
    }
    await enough;
    switch (leave) {
      case "end":
        stream.end();
        break;
      case "stream":
        stream.close(8);
        break;
      case "tear":
        stream.write(Buffer.from([0, 0, 0, 1, 0, 1, 2, 3]), () => http2.destroy());
        break;
      case "kill":
        await admin.unary(SessionService.method.killSession, { sessionId: session_id });
        stream.end();
        break;
      case "socket":
        http2.destroy();
    }
    await closed;
    http2.destroy();
    return verdicts;
  }

  /** Every sealed content of the log. */
  async function log(): Promise<readonly Sealed[]> {
    const entries: Sealed[] = [];
    for (;;) {
      const from = { fromSequence: BigInt(entries.length), pageSize: 500 };
      const { message } = await admin.unary(VaultService.method.listEntries, from);
      entries.push(...(message?.entries ?? []).map(({ content }) => JSON.parse(content) as Sealed));
      if ((message?.entries.length ?? 0) === 0) {
        return entries;
      }
    }
  }

  it("no verdict is without its seal, and what is counted is what is sealed", async () => {
    const judge = async (courses: readonly Course[]) => {
      const gone = await Promise.all(
        courses.map(async (each) => {
          const budgets = { maxActions: BigInt(each.max_actions) };
          const { message } = await admin.unary(SessionService.method.startSession, { budgets });
          const session_id = message?.session?.sessionId ?? "";
          return { each, session_id, told: await go(session_id, each) };
        }),
      );
      // After its kill nothing more can be counted, however late the server reads what was sent.
      const sessions = await Promise.all(
        gone.map(({ session_id }) =>
          admin.unary(SessionService.method.killSession, { sessionId: session_id }),
        ),
      );
      const sealed = await log();
      for (const [i, { each, session_id, told }] of gone.entries()) {
        const own = sealed.filter(
          (entry) => entry.event === "enforcement_decision" && entry.session_id === session_id,
        );
        const counted = own.filter(({ decision }) => decision !== "terminate");
        const names = own.map(({ action_type }) => action_type);
        expect(new Set(names).size, "each action is decided at most once").to.equal(names.length);
        expect(sessions[i]?.message?.session?.consumed?.actions).to.equal(BigInt(counted.length));
        expect(counted.length).to.be.at.most(each.max_actions);
        for (const [ref, verdict] of told) {
          const entry = own.find(({ decision_id }) => decision_id === verdict.decisionId);
          const decision = Verdict[verdict.decision].toLowerCase();
          if (entry?.action_type !== `act-${ref}`) {
            // From the seventeenth terminate on the newest is repeated.
            expect([entry?.decision, decision]).to.deep.equal(["terminate", "terminate"]);
          } else {
            expect(entry.decision).to.equal(decision);
          }
        }
        if (each.leave === "end") {
          expect(told.size, "a request that ended well is answered whole").to.equal(each.asks);
        }
      }
    };
    const courses = fc.array(course, { minLength: 1, maxLength: 6 });
    await fc.assert(fc.asyncProperty(courses, judge), { numRuns: 25 });
  }).timeout(60_000);
});
