import { expect } from "chai";
import { limits } from "../../src/limits.js";
import { CanonicalError } from "../../src/vault/canonical.js";
import { type ClientJson, decimals, makeDetails } from "../../src/vault/details.js";
import { vector } from "../vectors.js";

interface Vectors {
  readonly metadata: readonly { name: string; json: string; details: string; details_digest: string }[];
  readonly metadata_refuse: readonly { name: string; json: string; code: string }[];
  readonly large_metadata: readonly {
    key: string;
    string_of: string;
    length: number;
    details_bytes: number;
    details_digest: string;
    in_full: boolean;
    details?: string;
  }[];
  readonly action_digest: readonly {
    salt: string;
    action_content: string;
    action_digest: string;
    action_length: number;
  }[];
}

const vectors = vector<Vectors>("vault/canonical.json");
const salt = "0".repeat(32);

function refusal(metadata: ClientJson): string {
  try {
    makeDetails({ salt, metadata, action_content: null });
  } catch (error) {
    expect(error).to.be.instanceOf(CanonicalError);
    return (error as CanonicalError).code;
  }
  return "accepted";
}

describe("details of an action", () => {
  for (const { name, json, details, details_digest } of vectors.metadata) {
    it(`seals a client's numbers by value: ${name}`, () => {
      const made = makeDetails({ salt, metadata: JSON.parse(json), action_content: null });
      expect(made).to.deep.equal({ details, details_digest, action_digest: null, action_length: null });
    });
  }

  for (const { name, json, code } of vectors.metadata_refuse) {
    it(`refuses metadata that can't be sealed: ${name}`, () => {
      expect(refusal(JSON.parse(json))).to.equal(code);
    });
  }

  it("refuses metadata far too deep without following it down", () => {
    const levels = 100_000;
    expect(refusal(JSON.parse("[".repeat(levels) + "]".repeat(levels)))).to.equal("depth");
  });

  for (const test of vectors.large_metadata) {
    it(`replaces large metadata by its digest: ${test.details_bytes} bytes, in full: ${test.in_full}`, () => {
      const metadata = { [test.key]: test.string_of.repeat(test.length) };
      const made = makeDetails({ salt, metadata, action_content: null });
      expect(made.details).to.have.length(test.details_bytes);
      expect(made.details_digest).to.equal(test.details_digest);
      expect(made.details?.includes('"action_metadata":')).to.equal(test.in_full);
      if (test.details !== undefined) {
        expect(made.details).to.equal(test.details);
      }
    });
  }

  it("replaces metadata by its digest where the content leaves it less room", () => {
    const metadata = { a: "x".repeat(1000) };
    const whole = makeDetails({ salt, metadata, action_content: null }).details as string;
    const fits = makeDetails({ salt, metadata, action_content: null }, whole.length);
    const short = makeDetails({ salt, metadata, action_content: null }, whole.length - 1);
    expect(fits.details).to.equal(whole);
    expect(short.details).to.include('"action_metadata_digest":');
  });

  it("takes metadata of the largest size a request may bring", () => {
    const metadata = { a: "\u00e9".repeat(limits.metadata_bytes / 2) };
    const made = makeDetails({ salt, metadata, action_content: null });
    expect(made.details).to.include('"action_metadata_bytes":');
  });

  it("refuses one long key above many fractions, whose list would be thousands of times as long", () => {
    const metadata = { ["k".repeat(30_000)]: new Array(8000).fill(0.5) };
    expect(refusal(metadata)).to.equal("size");
  });

  for (const test of vectors.action_digest) {
    it(`digests the action's text under the salt of the details: ${test.action_length} bytes`, () => {
      const made = makeDetails({ salt: test.salt, metadata: null, action_content: test.action_content });
      expect(made.action_digest).to.equal(test.action_digest);
      expect(made.action_length).to.equal(test.action_length);
      expect(made.details).to.equal(`{"_salt":"${test.salt}"}`);
    });
  }

  it("makes none for an action without text and metadata", () => {
    const none = { details: null, details_digest: null, action_digest: null, action_length: null };
    expect(makeDetails({ salt, metadata: null, action_content: null })).to.deep.equal(none);
  });

  it("refuses a salt that is not 16 bytes", () => {
    expect(() => makeDetails({ salt: "00", metadata: {}, action_content: null })).to.throw(RangeError);
  });

  it("lists the fractions of an agent's profile relative to the content", () => {
    expect(decimals({ version: 1.5, size: 3 }, "/profile")).to.deep.equal({
      value: { version: "1.5", size: 3 },
      decimals: ["/profile/version"],
    });
  });
});
