import { expect } from "chai";
import { signatureOf } from "../../src/webhooks/signature.js";

describe("the signature of a webhook", () => {
  it("is HMAC-SHA-256 over the time, a dot and the body, in hex", () => {
    // printf '1767225600.{"event":"halt.requested"}' | openssl dgst -sha256 -hmac whsec_0123456789abcdef01234567
    expect(
      signatureOf('{"event":"halt.requested"}', ["whsec_0123456789abcdef01234567"], 1_767_225_600_999),
    ).to.equal("t=1767225600,v1=5c84c61038a03a150c8a36d1791093a522f093cbd346f87bdf41f05c690fb4b6");
  });

  it("has one value for each secret, so that either is enough", () => {
    const one = signatureOf("{}", ["a".repeat(24)], 0).split(",")[1];
    const other = signatureOf("{}", ["b".repeat(24)], 0).split(",")[1];
    expect(signatureOf("{}", ["a".repeat(24), "b".repeat(24)], 0)).to.equal(`t=0,${one},${other}`);
    expect(one).to.not.equal(other);
  });
});
