import { expect } from "chai";
import { keyFromHeaders } from "../../src/services/credentials-header.js";
import { KillcordError } from "../../src/services/errors.js";
import { vector } from "../vectors.js";

const { credentials } = vector<{
  credentials: {
    headers: Record<string, string>;
    key?: string;
    error?: { code: string };
    note?: string;
  }[];
}>("rest/params.json");

describe("the key of a request", () => {
  for (const { headers, key, error, note } of credentials) {
    const sent = new Headers(headers);
    const title = `${JSON.stringify(headers)}${note === undefined ? "" : ` (${note})`}`;
    if (key !== undefined) {
      it(`${title} is ${key}`, () => {
        expect(keyFromHeaders((name) => sent.get(name))).to.equal(key);
      });
    } else if (headers["X-API-Key"] === "unknown") {
      it(`${title} is a key that only the store can refuse`, () => {
        expect(keyFromHeaders((name) => sent.get(name))).to.equal("unknown");
      });
    } else {
      it(`${title} is refused: ${error?.code}`, () => {
        expect(() => keyFromHeaders((name) => sent.get(name)))
          .to.throw(KillcordError)
          .with.property("code", error?.code);
      });
    }
  }
});
