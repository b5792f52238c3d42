import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { expect } from "chai";
import { watchCaller } from "../../src/rest/caller.js";
import { isGone } from "../../src/rest/exchange.js";

describe("a caller that is watched", () => {
  it("is given up at once when it left before the watch began", async () => {
    const res = new ServerResponse(new IncomingMessage(new Socket()));
    expect(isGone(res)).to.equal(false);
    res.destroy();
    expect(isGone(res)).to.equal(true);
    const watch = watchCaller(res, 60_000);
    watch.end();
    expect(watch.signal.aborted).to.equal(true);
    expect(await watch.given_up.catch((reason: unknown) => reason)).to.have.property("code", "canceled");
  });
});
