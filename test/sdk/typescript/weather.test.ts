/** The client for TypeScript in bad weather: nothing is allowed that was not, and no stop is missed. */
import { expect } from "chai";
import {
  AccessDenied,
  KillcordError,
  ServerUnreachable,
  type Session,
  SessionTerminated,
} from "../../../sdk/typescript/src/node.js";
import { curl, type Served, serve } from "../../server/served.js";
import { openProxy, type WeatherProxy } from "../../weather/proxy.js";
import { aborted, inItsTime, kill, ManualClock, type Staged, sealed, shown, staged, until } from "./stage.js";

describe("sdk/typescript: a server that is away", () => {
  let server: Served;
  let proxy: WeatherProxy;
  let stage: Staged;

  before(async () => {
    server = await serve();
  });
  after(() => server.end());
  beforeEach(async () => {
    proxy = await openProxy(server.address);
    stage = staged(proxy.url, server.admin_key);
  });
  afterEach(async () => {
    proxy.clear();
    await stage.client.close();
    await proxy.close();
  });

  const thrownBy = (work: Promise<unknown>) => work.then(() => undefined).catch((error: unknown) => error);

  it("is tried again under one key: a start that was heard opens no second session", async () => {
    proxy.set({ down: "hold" });
    const opening = stage.client.startSession({ agentId: "once" });
    const path = "/v1/enforce/sessions?agent_id=once";
    await until(async () => (await curl(server, path, server.admin_key)).total === 1);
    proxy.cut();
    proxy.clear();
    const session = await opening;
    const { sessions } = await curl(server, path, server.admin_key);
    expect(sessions.map(({ session_id }: { session_id: string }) => session_id)).to.deep.equal([session.id]);
  });

  it("counts an action once whose answer was lost on its way", async () => {
    const session = await stage.client.startSession();
    await session.intercept("look");
    proxy.set({ down: "hold" });
    const asking = session.intercept("look");
    await until(async () => (await shown(server, session.id)).consumed.actions === 2);
    proxy.cut();
    proxy.clear();
    expect(await asking).to.deep.include({ actions: 2 });
  });

  it("is found again: a stop that came while the client was cut off reaches it", async () => {
    const session = await stage.client.startSession();
    await session.intercept("look");
    const stopped = aborted(session.signal);
    proxy.set({ accept: "refuse" });
    proxy.cut();
    await kill(server, session.id);
    proxy.clear();
    expect(await stopped).to.deep.include({ stopReason: "manual" });
    await session.close();
    expect((await sealed(server, session.id)).at(-1)?.event).to.equal("halt_confirmed");
  });

  describe("for longer than any timeout", () => {
    let clock: ManualClock;
    beforeEach(async () => {
      await stage.client.close();
      clock = new ManualClock();
      stage = staged(proxy.url, server.admin_key, { clock });
    });
    afterEach(async () => {
      proxy.clear();
      await inItsTime(clock, stage.client.close());
    });

    const goAway = () => {
      proxy.set({ accept: "refuse" });
      proxy.cut();
    };

    it("opens no session, and that is an error", async () => {
      goAway();
      const error = await inItsTime(clock, thrownBy(stage.client.startSession()));
      expect(error).to.be.instanceOf(ServerUnreachable);
      expect(String(error)).to.include(proxy.url).and.include("KILLCORD_URL");
    });

    it("gives no permission, and says once that it is away", async () => {
      const session = await stage.client.startSession({ leaseSeconds: null });
      await session.intercept("look");
      clock.advance(0);
      goAway();
      for (const _ of [1, 2]) {
        const error = await inItsTime(clock, thrownBy(session.intercept("look")));
        expect(error).to.be.instanceOf(ServerUnreachable);
      }
      expect(stage.warnings.filter((line) => line.includes("nothing is allowed"))).to.have.length(1);
      proxy.clear();
      expect(await inItsTime(clock, session.intercept("look"))).to.deep.include({ offline: false });
    });

    it("allows where failOpen was asked for, says so each time, and never passes a stop that is known", async () => {
      const session = await stage.client.startSession({ leaseSeconds: null, failOpen: true });
      goAway();
      for (const times of [1, 2]) {
        const allowed = await inItsTime(clock, session.intercept("look"));
        expect(allowed).to.deep.include({ offline: true, decisionId: "" });
        expect(stage.warnings.filter((line) => line.startsWith("look is allowed without"))).to.have.length(
          times,
        );
      }
      const opening = inItsTime(clock, thrownBy(stage.client.startSession({ failOpen: true })));
      expect(await opening).to.be.instanceOf(ServerUnreachable);
      const stopped = aborted(session.signal);
      await kill(server, session.id);
      proxy.clear();
      await inItsTime(clock, stopped);
      goAway();
      expect(await thrownBy(session.intercept("look"))).to.be.instanceOf(SessionTerminated);
    });

    it("ends a run by its lease, also one that fails open", async () => {
      const session = await stage.client.startSession({ failOpen: true });
      goAway();
      expect(await inItsTime(clock, aborted(session.signal))).to.deep.include({ stopReason: "lease_lost" });
      expect(await thrownBy(session.intercept("look"))).to.equal(session.signal.reason);
    });

    it("is left by closing in no longer than the timeout", async () => {
      const session = await stage.client.startSession();
      goAway();
      await inItsTime(clock, session.close());
      expect(stage.warnings.filter((line) => line.includes("could not be ended"))).to.have.length(1);
    });
  });
});

describe("sdk/typescript: a server that starts anew", () => {
  it("is watched again, and its stops come through", async () => {
    const first = await serve();
    let second: Served | undefined;
    const proxy = await openProxy(first.address);
    const { client } = staged(proxy.url, first.admin_key);
    try {
      const session = await client.startSession({ timeoutMs: 60_000 });
      await session.intercept("look");
      await first.end();
      second = await serve({ data: first.data });
      proxy.retarget(second.address);
      expect(await session.intercept("look")).to.deep.include({ actions: 2 });
      const stopped = aborted(session.signal);
      const path = `/v1/enforce/sessions/${session.id}/kill`;
      await curl(second, path, first.admin_key, { reason: "after" });
      expect(await stopped).to.deep.include({ reason: "after" });
    } finally {
      await client.close();
      await proxy.close();
      await first.end();
      await second?.end();
    }
  }).timeout(60_000);
});

describe("sdk/typescript: a key", () => {
  let server: Served;
  before(async () => {
    server = await serve();
  });
  after(() => server.end());

  it("that is wrong is refused, and not tried again", async () => {
    const { client, warnings } = staged(server.url, "kc_wrong");
    const error = await client.startSession().catch((each: unknown) => each);
    expect(error).to.be.instanceOf(AccessDenied).and.deep.include({ code: "invalid_api_key" });
    expect(String(error)).to.include("KILLCORD_API_KEY");
    expect(server.log().match(/invalid_api_key/g)).to.have.length(1);
    expect(warnings).to.deep.equal([]);
    await client.close();
  });

  for (const leaseSeconds of [30, null]) {
    it(`that is refused in the middle stops the run, with lease ${leaseSeconds}`, async () => {
      const { key, secret } = await curl(server, "/v1/keys", server.admin_key, {
        name: "a bot's",
        roles: ["agent"],
      });
      const { client, warnings } = staged(server.url, secret);
      const session = await client.startSession({ leaseSeconds });
      await session.intercept("look");
      const stopped = aborted(session.signal);
      await curl(server, `/v1/keys/${key.key_id}/revoke`, server.admin_key, { reason: "lost" });
      const how = await session.intercept("look").catch((each: unknown) => each);
      expect(how).to.be.instanceOf(KillcordError);
      expect(await stopped).to.deep.include({ status: "killed", stopReason: "access_denied" });
      expect(() => session.guard()).to.throw(SessionTerminated, "access_denied");
      await client.close();
      expect(warnings).to.deep.equal([]);
    });
  }

  it("that is revoked stops what runs on it, which hears why and acknowledges it", async () => {
    const body = { name: "pay-bot" };
    const { credential } = await curl(server, "/v1/enforce/agents", server.admin_key, body);
    const { client, warnings } = staged(server.url, credential.secret);
    const session = await client.startSession();
    await session.intercept("look");
    const stopped = aborted(session.signal);
    const path = `/v1/enforce/credentials/${credential.credential_id}/revoke`;
    await curl(server, path, server.admin_key, { reason: "key compromised" });
    const how = await session.intercept("look").catch((each: unknown) => each);
    expect(how).to.be.instanceOf(SessionTerminated).and.deep.include({ stopReason: "credential_revoked" });
    expect(await stopped).to.deep.include({ stopReason: "credential_revoked" });
    await client.close();
    expect((await sealed(server, session.id)).at(-1)?.event).to.equal("halt_confirmed");
    expect(warnings).to.deep.equal([]);
  });
});

describe("sdk/typescript: a lease", () => {
  let server: Served;
  let proxy: WeatherProxy;
  let clock: ManualClock;
  let stage: Staged;
  let session: Session;

  before(async () => {
    server = await serve();
  });
  after(() => server.end());
  beforeEach(async () => {
    proxy = await openProxy(server.address);
    clock = new ManualClock();
    // Without chance, a failed heartbeat is repeated as late as can be.
    stage = staged(proxy.url, server.admin_key, { clock, random: () => 1 });
  });
  afterEach(async () => {
    proxy.clear();
    proxy.cut();
    await inItsTime(clock, stage.client.close());
    await proxy.close();
  });

  const start = async (more: object = {}) => {
    session = await stage.client.startSession({ leaseSeconds: 30, ...more });
    clock.advance(0);
  };
  const beats = async () => (await shown(server, session.id)).last_heartbeat_at as string | undefined;

  it("is renewed by a heartbeat when a third of it is over", async () => {
    await start();
    clock.advance(9_999);
    expect(await beats()).to.equal(undefined);
    clock.advance(1);
    await until(async () => (await beats()) !== undefined);
    clock.advance(9_999);
    clock.advance(9_999);
    expect(session.signal.aborted).to.equal(false);
  });

  it("is renewed by an intercept, and then no heartbeat is sent in its place", async () => {
    await start();
    clock.advance(9_000);
    await session.intercept("look");
    clock.advance(9_999);
    expect(await beats()).to.equal(undefined);
    clock.advance(1);
    await until(async () => (await beats()) !== undefined);
  });

  it("ends the run where no answer comes, counted from when the last call was sent that was answered", async () => {
    await start();
    proxy.set({ down: "hold" });
    clock.advance(8_000);
    const asking = session.intercept("look").catch((error: unknown) => error);
    await proxy.held("down");
    clock.advance(1_500);
    proxy.set({ down: "pass" });
    await asking;
    proxy.set({ down: "hold" });
    // Sent at 8 s and heard at 9.5 s: it lasts until 38 s.
    clock.advance(28_499);
    expect(session.signal.aborted).to.equal(false);
    clock.advance(1);
    expect(session.signal.reason).to.deep.include({ status: "killed", stopReason: "lease_lost" });
    expect(String(session.signal.reason)).to.include(`no answer from ${proxy.url} within the lease of 30 s`);
  });

  it("ends a run that was suspended, before it does anything else", async () => {
    await start();
    clock.sleepThrough(30_000);
    expect(() => session.guard()).to.throw(SessionTerminated, "lease_lost");
    expect(session.signal.aborted).to.equal(true);
  });

  it("gives no permission by an answer that was slept through", async () => {
    await start();
    proxy.set({ down: "hold" });
    const asking = session.intercept("look").catch((error: unknown) => error);
    await proxy.held("down");
    clock.sleepThrough(30_000);
    proxy.set({ down: "pass" });
    expect(await asking)
      .to.be.instanceOf(SessionTerminated)
      .and.deep.include({ stopReason: "lease_lost" });
  });

  it("holds the run where that was asked for, until a heartbeat is answered again", async () => {
    await start({ onLeaseLost: "pause" });
    const told: string[] = [];
    session.on("pause", ({ reasoning }) => told.push(reasoning));
    session.on("resume", () => told.push("resumed"));
    proxy.set({ accept: "refuse" });
    proxy.cut();
    clock.advance(30_000);
    expect(told).to.have.length(1);
    expect(() => session.guard()).to.throw("within the lease");
    expect(session.signal.aborted).to.equal(false);
    proxy.clear();
    await until(() => {
      clock.advance(100);
      return told.length === 2;
    });
    session.guard();
  });

  it("ends nothing where that was asked for", async () => {
    await start({ onLeaseLost: "continue" });
    clock.sleepThrough(300_000);
    session.guard();
    expect(stage.warnings.filter((line) => line.includes("it goes on"))).to.have.length(1);
  });

  it("that was lost is acknowledged once the server has named its stop", async () => {
    await start({ leaseSeconds: 2 });
    clock.sleepThrough(2_000);
    expect(() => session.guard()).to.throw("lease_lost");
    const closed = session.close();
    // The server finds out by itself: nobody renews it any more.
    await until(async () => {
      clock.advance(20);
      return (await sealed(server, session.id)).at(-1)?.event === "halt_confirmed";
    });
    await closed;
    expect((await shown(server, session.id)).stop_reason).to.equal("lease_lost");
  });
});
