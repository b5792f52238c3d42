/** The client library in a real Chromium: it is stopped there as it is in Node. */
import { expect } from "chai";
import { kill, sealed } from "../sdk/typescript/stage.js";
import { serve } from "../server/served.js";
import type { RunUntilStopped } from "./browser/client.js";
import { openPage, servePage } from "./browser/site.js";
import { sayings } from "./program.js";

describe("@killcord/client in a page", () => {
  it("asks, watches, is stopped in the middle of an await, and acknowledges it", async () => {
    const site = await servePage(".build/interop/client");
    const server = await serve({ env: { KILLCORD_CORS_ORIGINS: site.origin } });
    const { page, console, complaint, close } = await openPage(site);
    try {
      let why = "";
      page
        .evaluate(
          (words) =>
            (globalThis as unknown as { runUntilStopped: RunUntilStopped }).runUntilStopped(...words),
          [server.url, server.admin_key] as const,
        )
        .catch((error) => {
          why = `: ${error}`;
        })
        .finally(() => console.end());
      const next = sayings(console, async () => `${complaint()}${why}`);
      const { session_id, ...waiting } = await next();
      expect(waiting).to.deep.equal({ step: "waiting", minutes: 1 });
      await kill(server, String(session_id));
      expect(await next()).to.deep.equal({
        step: "stopped",
        message: `SessionTerminated: session ${session_id} killed (manual): manual stop`,
        is_stop: true,
      });
      expect(await next()).to.deep.equal({
        step: "closed",
        seen: [`${session_id} active`, `${session_id} killed manual stop`],
      });
      expect((await sealed(server, String(session_id))).map(({ event }) => event)).to.deep.equal([
        "session_started",
        "enforcement_decision",
        "session_killed",
        "halt_acknowledged",
        "halt_confirmed",
      ]);
    } finally {
      await close();
      await server.end();
      site.close();
    }
  }).timeout(60_000);
});
