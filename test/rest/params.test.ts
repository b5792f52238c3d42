import { create, fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { expect } from "chai";
import { HttpRuleSchema } from "../../gen/google/api/http_pb.js";
import type { NameRule } from "../../src/rest/body.js";
import { readRequest } from "../../src/rest/params.js";
import { compileRule } from "../../src/rest/rule.js";
import { createRouter } from "../../src/rest/trie.js";
import { writeObject } from "../../src/rest/write.js";
import { KillcordError } from "../../src/services/errors.js";
import { vector } from "../vectors.js";
import { Level, NestedSchema, ProbeSchema } from "./gen/probe_pb.js";

interface ParamsCase {
  group: string;
  rule: string;
  method: string;
  target: string;
  body?: string;
  body_base64?: string;
  expect: { message?: JsonValue; error?: { http: number; code: string; fields: string[] } };
  note?: string;
}

const { rules, cases, responses } = vector<{
  rules: Record<string, { unknown?: string } & Record<string, JsonValue>>;
  cases: ParamsCase[];
  responses: {
    type: "Probe" | "Nested";
    contains?: boolean;
    message: JsonValue;
    json: object;
    note?: string;
  }[];
}>("rest/params.json");

/** What the transcoder does with one request for the rule of that name, as far as its message. */
function transcode(row: ParamsCase) {
  const { unknown, ...rule } = rules[row.rule] ?? {};
  const routes = compileRule(fromJson(HttpRuleSchema, rule), ProbeSchema, ProbeSchema);
  const found = createRouter(routes, [""]).match(row.method, row.target);
  if (found.kind !== "route") {
    throw new Error(`${row.method} ${row.target}: ${found.kind}`);
  }
  const body = Buffer.from(
    row.body_base64 ?? row.body ?? "",
    row.body_base64 === undefined ? "utf8" : "base64",
  );
  const names: NameRule = () => ({ kind: unknown === "ignore" ? "ignored" : "unknown" });
  return readRequest(found.route, ProbeSchema, { values: found.values, target: row.target, body }, names);
}

describe("parameters of a request", () => {
  for (const row of cases) {
    const { message, error } = row.expect;
    const sent = `${row.method} ${row.target} ${row.body ?? row.body_base64 ?? ""}`;
    const title = `${row.group}: ${sent.slice(0, 120)}${row.note === undefined ? "" : ` (${row.note})`}`;
    if (error === undefined) {
      it(`${title} -> a message`, () => {
        const wanted = fromJson(ProbeSchema, message ?? {});
        expect(toJson(ProbeSchema, transcode(row) as typeof wanted)).to.deep.equal(
          toJson(ProbeSchema, wanted),
        );
        expect(transcode(row)).to.deep.equal(wanted);
      });
    } else {
      it(`${title} -> ${error.code} ${error.fields.join(", ")}`, () => {
        const thrown = catchError(() => transcode(row));
        expect(thrown).to.be.instanceOf(KillcordError);
        const { code, details } = thrown as KillcordError;
        expect({ code, fields: details.map((one) => one.field) }).to.deep.equal({
          code: error.code,
          fields: error.fields,
        });
      });
    }
  }
});

describe("replies", () => {
  for (const { type, contains, message, json, note } of responses) {
    it(`${type} ${JSON.stringify(message)} is written as ${JSON.stringify(json)} (${note})`, () => {
      const desc = type === "Probe" ? ProbeSchema : NestedSchema;
      const plain = writeObject(reflect(desc, fromJson(desc, message) as never, false), new Map());
      const written = JSON.parse(JSON.stringify(plain)) as object;
      if (contains === true) {
        expect(written).to.deep.include(json);
      } else {
        expect(written).to.deep.equal(json);
        expect(Object.keys(written)).to.deep.equal(Object.keys(json));
      }
    });
  }
});

describe("an enum at zero", () => {
  it("is left out also where it was set, because it says that there is no value", () => {
    const message = reflect(ProbeSchema, create(ProbeSchema, { optLevel: Level.UNSPECIFIED }));
    expect(writeObject(message, new Map())).to.not.have.property("opt_level");
  });
});

function catchError(call: () => unknown): unknown {
  try {
    call();
  } catch (thrown) {
    return thrown;
  }
  throw new Error("nothing was thrown");
}
