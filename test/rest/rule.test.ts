import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { expect } from "chai";
import { HttpRuleSchema } from "../../gen/google/api/http_pb.js";
import { compileRule, RuleError } from "../../src/rest/rule.js";
import { vector } from "../vectors.js";
import { ProbeSchema } from "./gen/probe_pb.js";

const { rules } = vector<{
  rules: { rule: JsonValue; ok?: boolean; error?: string; at?: string; note?: string }[];
}>("rest/templates.json");

describe("http rules against their messages", () => {
  for (const { rule, ok, error, at } of rules) {
    const compile = () => compileRule(fromJson(HttpRuleSchema, rule), ProbeSchema, ProbeSchema);
    if (ok === true) {
      it(`${JSON.stringify(rule)} compiles`, () => {
        expect(compile()).to.have.length.greaterThan(0);
      });
    } else {
      it(`${JSON.stringify(rule)} is refused: ${error} at ${JSON.stringify(at)}`, () => {
        expect(compile).to.throw(RuleError).that.includes({ fault: error, at });
      });
    }
  }

  it("every additional binding is a binding of its own", () => {
    const rule = { post: "/v1/p", body: "*", additional_bindings: [{ get: "/v1/q" }, { get: "/v1/r" }] };
    const bindings = compileRule(fromJson(HttpRuleSchema, rule), ProbeSchema, ProbeSchema);
    expect(bindings.map(({ method, template }) => `${method} ${template.segments.join("/")}`)).to.deep.equal([
      "POST v1/p",
      "GET v1/q",
      "GET v1/r",
    ]);
  });
});
