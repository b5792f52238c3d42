import { expect } from "chai";
import { decimalsFault } from "../../../src/vault/verify/decimals.js";
import { judge, verdictOf } from "./evidence.js";
import { decided, made, started } from "./made.js";

const right = (value: object) => decimalsFault(value as Readonly<Record<string, unknown>>) === null;

describe("_decimals", () => {
  it("name texts that ECMAScript writes for doubles that are no integers", () => {
    for (const text of ["0.5", "-0.25", "1e-7", "1e+21", "9007199254740992", "-9007199254740992"]) {
      expect(right({ _decimals: ["/a"], a: text }), text).to.equal(true);
    }
    const others = [
      "x",
      "",
      " 0.5",
      "0.50",
      "5e-1",
      "+0.5",
      "1",
      "-0",
      "9007199254740991",
      "Infinity",
      "NaN",
      "1e400",
    ];
    for (const text of [...others, 0.5, 1, null, ["0.5"], { a: "0.5" }]) {
      expect(right({ _decimals: ["/a"], a: text }), JSON.stringify(text)).to.equal(false);
    }
  });

  it("are pointers of RFC 6901 to what is there", () => {
    const value = { a: { "x/y": ["0.5", { "~": "1.5" }] }, "": "2.5", deep: [["0.5"]] };
    for (const pointer of ["/a/x~1y/0", "/a/x~1y/1/~0", "/", "/deep/0/0"]) {
      expect(right({ ...value, _decimals: [pointer] }), pointer).to.equal(true);
    }
    const wrong = [
      "",
      "a/x~1y/0",
      "/a/x~1y/00",
      "/a/x~1y/2",
      "/a/x~1y/-",
      "/a/x~1y/length",
      "/a/x~2y/0",
      "/a/x~/0",
    ];
    for (const pointer of [...wrong, "/b", "/a/constructor/name", "/__proto__", "/a/x~1y/0/0"]) {
      expect(right({ ...value, _decimals: [pointer] }), pointer).to.equal(false);
    }
  });

  it("are absent, or a list that is sorted by code point and names no place twice", () => {
    const value = { a: "0.5", b: "0.5", "\u{10000}": "0.5", "\uffff": "0.5" };
    expect(right(value)).to.equal(true);
    expect(right({ ...value, _decimals: ["/a", "/b"] })).to.equal(true);
    expect(right({ ...value, _decimals: ["/\uffff", "/\u{10000}"] })).to.equal(true);
    for (const _decimals of [
      [],
      null,
      "/a",
      { 0: "/a" },
      ["/a", 5],
      ["/b", "/a"],
      ["/a", "/a"],
      ["/\u{10000}", "/\uffff"],
    ]) {
      expect(right({ ...value, _decimals }), JSON.stringify(_decimals)).to.equal(false);
    }
  });

  it("are looked at in content and in details", () => {
    const more = { _decimals: ["/reasoning"], reasoning: "no number" };
    expect(verdictOf(judge(made([started("s"), decided("s", "allow", 1, more)])))).to.equal(
      "content.decimals 2",
    );
    const details = {
      _salt: "0".repeat(32),
      _decimals: ["/action_metadata/a"],
      action_metadata: { a: "1.0" },
    };
    const detailed = { ...decided("s", "allow", 1), details };
    expect(verdictOf(judge(made([started("s"), detailed])))).to.equal("content.decimals 2");
  });
});
