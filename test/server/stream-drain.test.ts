import { readFileSync } from "node:fs";
import { join } from "node:path";
import { status as Status } from "@grpc/grpc-js";
import { expect } from "chai";
import { SessionService } from "../../gen/killcord/v1/session_pb.js";
import { openGrpcClient } from "../rpc/grpc-client.js";
import { command, freshFolder, serve } from "./served.js";
import { Talk } from "./talk.js";

describe("a server that stops under its streams", () => {
  it("says so, answers what it took, and leaves a log that holds exactly that", async () => {
    const server = await serve();
    const admin = openGrpcClient(server.address, { "x-api-key": server.admin_key });
    const sessions = await Promise.all(
      [1, 2, 3].map(async () => {
        const { message } = await admin.unary(SessionService.method.startSession, {});
        return message?.session?.sessionId ?? "";
      }),
    );
    const talks = sessions.map((session_id) => {
      const talk = new Talk(admin);
      talk.open(session_id);
      for (let ref = 1; ref <= 200; ref++) {
        talk.ask(ref);
      }
      return talk;
    });
    await Promise.all(talks.map((talk) => talk.until("verdict")));
    expect(await server.end("SIGTERM")).to.equal(0);
    for (const talk of talks) {
      const { code } = await talk.ended;
      expect(code).to.equal(Status.UNAVAILABLE);
      expect(talk.all("bookmark").map(({ draining }) => draining)).to.deep.equal([true]);
    }
    admin.close();

    const out = join(freshFolder(), "evidence");
    const exported = await command(["export", "--data", server.data, "--out", out]);
    expect(exported.status, exported.stderr).to.equal(0);
    const verified = await command(["verify", out]);
    expect(verified.status, verified.stdout).to.equal(0);
    const { entries } = JSON.parse(readFileSync(join(out, "bundle.json"), "utf8")) as {
      readonly entries: { readonly content: { event: string; session_id?: string; decision_id?: string } }[];
    };
    for (const [i, session_id] of sessions.entries()) {
      const sealed = entries.filter(
        ({ content }) => content.event === "enforcement_decision" && content.session_id === session_id,
      );
      const told = talks[i]?.all("verdict").map(({ verdict }) => verdict?.decisionId);
      expect(told?.sort()).to.deep.equal(sealed.map(({ content }) => content.decision_id).sort());
    }
  });
});
