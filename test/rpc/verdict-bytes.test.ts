import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { expect } from "chai";
import fc from "fast-check";
import {
  BudgetLeftSchema,
  InterceptResponseSchema,
  type InterceptStreamResponse,
  InterceptStreamResponseSchema,
} from "../../gen/killcord/v1/enforcement_pb.js";
import { ConsumedSchema, ReservedSchema } from "../../gen/killcord/v1/session_pb.js";
import { verdictEnvelope } from "../../src/rpc/verdict-bytes.js";

const count = fc.oneof(
  fc.constant(0n),
  fc.bigInt({ min: 0n, max: 300n }),
  fc.bigInt({ min: 0n, max: 2n ** 53n - 1n }),
);
const code = fc.integer({ min: 0, max: 9 });
const words = fc.oneof(
  fc.constant(""),
  fc.string({ maxLength: 200 }),
  fc.string({ unit: "grapheme", maxLength: 80 }),
);
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined, freq: 3 });

const verdict = fc.record({
  decision: code,
  decisionId: words,
  decisionPath: words,
  reasoning: words,
  policiesEvaluated: fc.array(words, { maxLength: 5 }),
  vaultEntryId: words,
  latencyMs: fc.oneof(fc.constant(0), fc.constant(-0), fc.double({ min: 0, max: 1e6, noNaN: true })),
  createdAt: maybe(fc.integer({ min: 0, max: 4e12 }).map(timestampFromMs)),
  outcome: code,
  sessionId: maybe(words),
  sessionStatus: code,
  consumed: maybe(
    fc
      .record({ actions: count, tokens: count, costUsdMicros: count, elapsedSeconds: count })
      .map((init) => create(ConsumedSchema, init)),
  ),
  stopReason: code,
  haltId: maybe(words),
  nextStep: words,
  reserved: maybe(
    fc.record({ tokens: count, costUsdMicros: count }).map((init) => create(ReservedSchema, init)),
  ),
  budgetLeft: maybe(
    fc
      .record({
        actions: maybe(count),
        tokens: maybe(count),
        costUsdMicros: maybe(count),
        ttlSeconds: maybe(count),
        idleSeconds: maybe(count),
      })
      .map((init) => create(BudgetLeftSchema, given(init))),
  ),
});

function stream(ref: number, init: object): InterceptStreamResponse {
  const value = { ref, verdict: create(InterceptResponseSchema, init as never) };
  return create(InterceptStreamResponseSchema, { message: { case: "verdict", value } });
}

/** Without the members that are not set. */
function given(init: object): object {
  return Object.fromEntries(Object.entries(init).filter(([, value]) => value !== undefined));
}

describe("rpc: the bytes of a verdict", () => {
  it("are those of the protocol library, whatever the verdict says", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), verdict, (ref, init) => {
        const message = stream(ref, given(init));
        const expected = encodeEnvelope(0, toBinary(InterceptStreamResponseSchema, message));
        const made = verdictEnvelope(message);
        expect(made === null ? "" : Buffer.from(made).toString("hex")).to.equal(
          Buffer.from(expected).toString("hex"),
        );
      }),
      { numRuns: 2000 },
    );
  });

  it("are left to the library for what is not the common shape", () => {
    const uncommon = [
      stream(1, { policiesTriggered: [{ policyId: "p" }] }),
      stream(1, { policiesEvaluated: Array(1300).fill("0".repeat(32)) }),
      stream(1, { trustScore: 5 }),
      stream(1, { escalationId: "" }),
      stream(1, { warnings: [{}] }),
      stream(1, { policiesShadowed: [{}] }),
      stream(1, { nextStep: "x".repeat(1025) }),
      stream(1, { reasoning: "x".repeat(1025) }),
      create(InterceptStreamResponseSchema, { message: { case: "verdict", value: { ref: 1 } } }),
      create(InterceptStreamResponseSchema, { message: { case: "bookmark", value: {} } }),
      create(InterceptStreamResponseSchema, {}),
    ];
    expect(uncommon.map(verdictEnvelope)).to.deep.equal(uncommon.map(() => null));
  });

  it("stay those of one verdict when the next is made", () => {
    const first = verdictEnvelope(stream(1, { reasoning: "first" })) as Uint8Array;
    const before = Buffer.from(first).toString("hex");
    verdictEnvelope(stream(2, { reasoning: "another one" }));
    expect(Buffer.from(first).toString("hex")).to.equal(before);
  });
});
