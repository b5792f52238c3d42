import type { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { errorReply, type Refusal, refusalOf } from "../../src/rest/status.js";
import { error_codes, type FieldIssue, KillcordError } from "../../src/services/errors.js";
import { vector } from "../vectors.js";

interface Example {
  name: string;
  in: {
    connect?: string;
    reason?: string;
    transport?: string;
    exception?: string;
    decision?: string;
    message?: string;
    details?: FieldIssue[];
    allow?: string[];
    retry_after_seconds?: number;
  };
  http: number;
  headers?: Record<string, string>;
  json?: object;
}

const { codes, reasons, examples } = vector<{
  codes: { connect: string; number: number; http: number; code: string }[];
  reasons: { code: string; connect: string; http: number; headers?: string[] }[];
  examples: Example[];
}>("rest/status.json");

const request_id = "req_00000000000000000000000a";

function refusal(connect: Code, more: Partial<Refusal> = {}): Refusal {
  return { connect, reason: null, message: "", details: [], retry_after_ms: null, ...more };
}

function connectCode(name: string): Code {
  return codes.find((row) => row.connect === name)?.number as Code;
}

describe("status of errors", () => {
  it("each of the 16 Connect codes has the listed status and code", () => {
    for (const { number, http, code } of codes) {
      const reply = errorReply(refusal(number), request_id);
      expect({ http: reply.status, code: reply.body.error.code }, code).to.deep.equal({ http, code });
    }
    expect(codes).to.have.length(16);
  });

  for (const { code, connect, http, headers } of reasons) {
    it(`${code} is ${http}`, () => {
      const reply = errorReply(refusal(connectCode(connect), { reason: code }), request_id);
      expect(reply.status).to.equal(http);
      expect(reply.body.error.code).to.equal(code);
      expect(reply.headers.has("retry-after")).to.equal(headers?.includes("Retry-After") ?? false);
    });
  }

  it("our own codes travel under the listed Connect codes", () => {
    for (const { code, connect } of reasons) {
      if (code in error_codes) {
        expect(error_codes[code as keyof typeof error_codes], code).to.equal(connectCode(connect));
      }
    }
  });

  for (const example of examples.filter((one) => one.in.decision === undefined)) {
    it(`${example.name}: ${example.http}`, () => {
      const {
        connect,
        reason,
        transport,
        message = "",
        details = [],
        allow,
        retry_after_seconds,
      } = example.in;
      const name = transport === undefined ? connect : reasons.find((row) => row.code === transport)?.connect;
      const given =
        name === undefined
          ? null
          : refusal(connectCode(name), {
              reason: reason ?? transport ?? null,
              message,
              details,
              retry_after_ms: retry_after_seconds === undefined ? null : retry_after_seconds * 1000,
              ...(allow === undefined ? {} : { allow }),
            });
      const reply = errorReply(given, request_id);
      expect(reply.status).to.equal(example.http);
      expect(JSON.stringify(reply.body)).to.equal(JSON.stringify(example.json));
      const lower = Object.entries(example.headers ?? {}).map(([header, value]) => [
        header.toLowerCase(),
        value,
      ]);
      expect(Object.fromEntries(reply.headers)).to.deep.include(Object.fromEntries(lower));
    });
  }

  it("an error of the services keeps its code, its details and its time to retry", () => {
    const error = new KillcordError("overloaded", "the queue is full", {
      details: [{ field: "a", issue: "b" }],
      retry_after_ms: 1200,
    });
    const reply = errorReply(refusalOf(error), request_id);
    expect(reply.status).to.equal(429);
    expect(reply.headers.get("retry-after")).to.equal("2");
    expect(reply.body.error).to.deep.equal({
      code: "overloaded",
      message: "the queue is full",
      request_id,
      details: [{ field: "a", issue: "b" }],
    });
  });
});
