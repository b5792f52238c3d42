import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { expect } from "chai";
import fc from "fast-check";
import { sendHttp1 } from "./client.js";
import { good_key, type Served, serve, services } from "./serve.js";

const names = services
  .flatMap((service) => service.methods)
  .flatMap((method) => method.input.fields)
  .flatMap((field) => [field.name, field.jsonName]);

/** Values of every kind, most of them in the wrong place. */
const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(null, true, "", "allow", "-1", "1e9", "2026-11-22T20:17:00Z", "\ud800", "__proto__"),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.maxSafeInteger(),
    fc.string({ unit: "binary" }),
    fc.array(tie("any"), { maxLength: 3 }),
    tie("object"),
  ),
  object: fc.dictionary(
    fc.oneof(fc.constantFrom(...names, "max_actions", "on_exceeded", "content", "__proto__"), fc.string()),
    tie("any"),
    { maxKeys: 5, noNullPrototype: true },
  ),
})).any;

const body = fc.oneof(
  fc.constantFrom("", "{}", '{"action_type":"a","nope":[{}]}', '{"actions":[{"content":"x"}]}'),
  value.map((one) => JSON.stringify(one) ?? ""),
  fc.string({ unit: "binary" }),
  fc.uint8Array({ maxLength: 200 }),
  value.map((one) => new Uint8Array(gzipSync(JSON.stringify(one) ?? ""))),
);

const segment = fc.oneof(
  fc.constantFrom("v1", "api", "enforce", "sessions", "start", "intercept", "batch", "decisions", "agents"),
  fc.constantFrom("kill", "revoke", "credentials", "vault", "entries", "keys", "..", "*", "**", "{x}", ""),
  fc.string({ unit: fc.constantFrom(..."aZ09%2Fe:;=.~-_+@!") }),
);

const query = fc.oneof(
  fc.constant([] as [string, string][]),
  fc.array(fc.tuple(fc.oneof(fc.constantFrom(...names, "per_page"), fc.string()), fc.string()), {
    maxLength: 4,
  }),
);

const path = fc
  .tuple(
    fc.oneof(
      fc.constantFrom(
        "/v1/enforce/intercept",
        "/api/v1/enforce/sessions/start",
        "/v1/enforce/batch",
        "/v1/keys",
      ),
      fc.array(segment, { maxLength: 6 }).map((all) => `/${all.join("/")}`),
    ),
    query,
    fc.boolean(),
  )
  .map(([base, pairs, raw]) => {
    const text = pairs.map(([name, one]) => `${encode(name, raw)}=${encode(one, raw)}`).join("&");
    return text === "" ? base : `${base}?${text}`;
  });

function encode(text: string, raw: boolean): string {
  return raw ? text.replace(/[^!-~]|#/g, "%") : encodeURIComponent(text.toWellFormed());
}

describe("whatever arrives at the REST handler", () => {
  let served: Served;
  before(async () => {
    served = await serve();
    served.door.onCall = async (method, request) => {
      // What gets through is a message that can be encoded.
      toBinary(method.input, request);
      return create(method.output);
    };
  });
  after(() => served.close());

  it("is never answered as a fault of ours, and always in the one form", async function () {
    this.timeout(20_000);
    const statuses = new Set<number>();
    const request = fc.record({
      path,
      method: fc.constantFrom("GET", "POST", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PURGE"),
      body,
      encoding: fc.constantFrom("identity", "identity", "identity", "gzip", "br"),
      idempotency_key: fc.option(fc.string({ unit: fc.constantFrom(..."ab ~\u00e9") }), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(request, async ({ encoding, idempotency_key, ...sent }) => {
        const headers = {
          "X-API-Key": good_key,
          "Content-Encoding": encoding,
          ...(idempotency_key === undefined ? {} : { "Idempotency-Key": idempotency_key }),
        };
        const { status, json } = await sendHttp1(served.port, { ...sent, headers });
        statuses.add(status);
        expect(status).to.be.within(200, 499);
        expect(json.ok).to.equal(status === 200);
        if (status !== 200) {
          expect(json.error?.message).to.be.a("string");
        }
      }),
      { numRuns: 600, seed: 20261122 },
    );
    expect(served.faults).to.deep.equal([]);
    // The requests are not so wild that they all end at the first check.
    expect([...statuses]).to.include.members([200, 400, 404, 405, 415]);
  });
});
