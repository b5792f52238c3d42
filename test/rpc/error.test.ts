/** What of a refusal travels over Connect and gRPC: its code's own place, reason, fields and time to retry. */
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import { errorReply, refusalOf } from "../../src/rest/status.js";
import { toConnectError } from "../../src/rpc/error.js";
import { type ErrorCode, error_codes, KillcordError } from "../../src/services/errors.js";

describe("the funnel of errors to Connect and gRPC", () => {
  for (const code of Object.keys(error_codes) as ErrorCode[]) {
    it(`${code} keeps its reason, and says when to try again exactly where REST does`, () => {
      const error = new KillcordError(code, "what happened: what to do");
      const told = toConnectError(error);
      expect(told.code).to.equal(error_codes[code]);
      expect(told.findDetails(ErrorInfoSchema)).to.have.length(1);
      expect(told.findDetails(ErrorInfoSchema)[0]).to.include({ reason: code, domain: "killcord" });
      const after = errorReply(refusalOf(error), "req_1").headers.get("retry-after");
      const [retry] = told.findDetails(RetryInfoSchema);
      expect(retry?.retryDelay?.seconds.toString()).to.equal(after);
      expect(told.findDetails(BadRequestSchema)).to.deep.equal([]);
    });
  }

  it("a fault of ours tells nothing of itself", () => {
    const told = toConnectError(new Error("ENOENT: /secret/place"));
    expect(told.code).to.equal(Code.Internal);
    expect(told.rawMessage).not.to.include("secret");
    expect(told.findDetails(ErrorInfoSchema)[0]?.reason).to.equal("internal");
  });
});
