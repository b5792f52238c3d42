import { expect } from "chai";
import { MemoryLevel } from "memory-level";
import { limits } from "../../src/limits.js";
import type { SealedEntry } from "../../src/vault/entry.js";
import { timeText } from "../../src/vault/time.js";
import type { Report } from "../../src/webhooks/courier.js";
import { readTargets, type Target } from "../../src/webhooks/target.js";
import { Webhooks } from "../../src/webhooks/webhooks.js";
import { ManualTime } from "../engine/manual-time.js";
import { isSigned, Receiver, taken } from "./receiver.js";

const secret = "whsec_0123456789abcdef01234567";
const other_secret = "whsec_89abcdef0123456789abcdef";

/** A log that holds what a test says, and the process that tells of it. */
class World {
  readonly time = new ManualTime();
  readonly positions = new MemoryLevel<string, string>();
  readonly entries: SealedEntry[] = [];
  readonly reports: string[] = [];
  webhooks: Webhooks | null = null;
  retry_ms = 3_600_000;
  webhook_ms: number = limits.webhook_ms;

  seal(...events: readonly object[]): void {
    for (const event of events) {
      const sequence_number = this.entries.length;
      const signed_at = timeText(this.time.wall);
      const content = JSON.stringify({ ...event, at: signed_at, actor: { key_id: null, role: "system" } });
      const entry_id = `ve_${sequence_number}`;
      const rest = { leaf: "", details: null, entry_hash: "", signed_at };
      this.entries.push({ sequence_number, entry_id, content, ...rest });
    }
    this.webhooks?.onSealed(events as never);
  }

  async open(targets: readonly Target[], secrets = [secret]): Promise<void> {
    this.webhooks = await Webhooks.open({
      secrets: new Map(targets.map((target) => [target, secrets])),
      positions: this.positions,
      size: this.entries.length,
      outbox: {
        origin: "vault.example.com/acme",
        announced: async (from, limit) =>
          this.entries
            .filter((entry) => entry.sequence_number >= from && /halt|killed/.test(entry.content))
            .map((entry) => entry.sequence_number)
            .slice(0, limit),
        entry: async (sequence) => this.entries[sequence] ?? null,
      },
      bounds: { ...limits, webhook_ms: this.webhook_ms },
      retry_ms: this.retry_ms,
      report: this.#report,
      now: this.time.wall_ms,
      after: this.time.after,
      chance: () => 0,
      onFault: (_, error) => this.reports.push(error.message),
      onForgetful: (_, error) => this.reports.push(error.message),
    });
  }

  async end(): Promise<void> {
    await this.webhooks?.end(0);
    this.webhooks = null;
  }

  /** Lets waits pass, one after the other, until something holds. */
  async passUntil(wait_ms: number, holds: () => boolean): Promise<void> {
    while (!holds()) {
      this.time.pass(this.time.tasks === 0 ? 0 : wait_ms);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  readonly #report: Report = {
    onOutcome: ({ name }, outcome) => this.reports.push(`${name.split(":")[0]} ${outcome}`),
    onFirstFailure: (_, { entry_id }, why) => this.reports.push(`fails at ${entry_id}: ${why}`),
    onRecovered: (_, failures) => this.reports.push(`recovered after ${failures}`),
    onGivenUp: (_, { entry_id }, sequence, why) =>
      this.reports.push(`gave up ${entry_id} (${sequence}): ${why}`),
  };
}

const halt = (halt_id: string) => ({ event: "halt_lifted", halt_id, reason: "Alice says so" });
const decision = { event: "enforcement_decision", decision: "allow" };

describe("webhooks", () => {
  let world: World;
  let receiver: Receiver;
  let other: Receiver;
  beforeEach(async () => {
    world = new World();
    receiver = await new Receiver().open();
    other = await new Receiver().open();
  });
  afterEach(async () => {
    await world.end();
    await receiver.close();
    await other.close();
  });
  const halts = () => receiver.told.map(({ data }) => (data as { halt_id: string }).halt_id);

  it("tell what is sealed from the first start on, in order, signed, with the ids to tell repeats by", async () => {
    world.seal(halt("h0"));
    await world.open(readTargets(receiver.url), [secret, other_secret]);
    world.seal(halt("h1"), decision, halt("h2"));
    world.seal(halt("h3"));
    await receiver.until(() => receiver.received.length === 3);
    expect(halts()).to.deep.equal(["h1", "h2", "h3"]);
    const [first] = receiver.received;
    expect(JSON.parse(first?.body ?? "")).to.deep.equal({
      event: "halt.lifted",
      log: "vault.example.com/acme",
      entry_id: "ve_1",
      sequence_number: 1,
      at: "2026-01-01T00:00:00.000Z",
      signed_at: "2026-01-01T00:00:00.000Z",
      actor: { key_id: null, role: "system" },
      data: { halt_id: "h1" },
    });
    expect(first?.headers).to.include({
      "killcord-event": "halt.lifted",
      "killcord-event-id": "ve_1",
      "content-type": "application/json",
    });
    for (const received of receiver.received) {
      expect([isSigned(received, secret), isSigned(received, other_secret)]).to.deep.equal([true, true]);
      expect(isSigned({ ...received, body: `${received.body} ` }, secret)).to.equal(false);
    }
  });

  it("leave out what people typed", async () => {
    await world.open(readTargets(receiver.url));
    world.seal({
      event: "session_killed",
      session_id: "s1",
      agent_id: "a1",
      stop_reason: "manual",
      reason: "Alice typed this",
      action_content: "rm -rf /",
    });
    await receiver.until(() => receiver.received.length === 1);
    expect(receiver.received[0]?.body)
      .to.include("s1")
      .and.not.match(/Alice|rm -rf|reason":"Alice/);
  });

  it("come again until they are taken, in order, less and less often", async () => {
    receiver.answer = (_, reply, tries) => reply.writeHead(tries < 4 ? 503 : 200).end("busy");
    await world.open(readTargets(receiver.url));
    world.seal(halt("h1"), halt("h2"));
    await receiver.until(() => receiver.received.length === 1);
    // The waits are 500, 1000 and 2000 ms here, since chance adds nothing.
    for (const [i, wait_ms] of [500, 1000, 2000].entries()) {
      await world.passUntil(0, () => world.time.tasks === 1);
      world.time.pass(wait_ms - 1);
      expect(world.time.tasks, `wait ${i}`).to.equal(1);
      world.time.pass(1);
      await receiver.until(() => receiver.received.length === i + 2);
    }
    await world.passUntil(10_000, () => receiver.received.length === 8);
    expect(receiver.received.map(({ headers }) => headers["killcord-event-id"])).to.deep.equal(
      ["ve_0", "ve_1"].flatMap((id) => [id, id, id, id]),
    );
    expect(new Set(receiver.received.slice(0, 4).map(({ body }) => body)).size).to.equal(1);
    expect(world.reports.slice(0, 6)).to.deep.equal([
      "127.0.0.1 away",
      "fails at ve_0: it answered 503",
      "127.0.0.1 away",
      "127.0.0.1 away",
      "127.0.0.1 taken",
      "recovered after 3",
    ]);
  });

  it("go on after a restart where they were, and never lose what was not taken", async () => {
    receiver.answer = (_, reply) => reply.writeHead(500).end();
    await world.open(readTargets(receiver.url));
    world.seal(halt("h1"), halt("h2"));
    await receiver.until(() => receiver.received.length === 1);
    await world.end();
    world.seal(halt("h3"));
    receiver.answer = taken;
    receiver.received.length = 0;
    await world.open(readTargets(receiver.url));
    await receiver.until(() => receiver.received.length === 3);
    expect(halts()).to.deep.equal(["h1", "h2", "h3"]);
  });

  it("repeat one whose answer a crash has cut off, and no other", async () => {
    await world.open(readTargets(receiver.url));
    world.seal(halt("h1"), halt("h2"));
    receiver.answer = (received, reply) =>
      received.body.includes("h2") ? reply.destroy() : taken(received, reply, 1);
    await receiver.until(() => receiver.received.length === 2);
    await world.end();
    receiver.answer = taken;
    await world.open(readTargets(receiver.url));
    await receiver.until(() => receiver.received.length === 3);
    world.seal(halt("h3"));
    await receiver.until(() => receiver.received.length === 4);
    expect(receiver.received.map(({ headers }) => headers["killcord-event-id"])).to.deep.equal([
      "ve_0",
      "ve_1",
      "ve_1",
      "ve_2",
    ]);
  });

  it("forget a target that is named no more", async () => {
    const targets = readTargets(receiver.url);
    await world.open(targets);
    await world.end();
    await world.open([]);
    await world.end();
    world.seal(halt("h1"));
    await world.open(targets);
    world.seal(halt("h2"));
    await receiver.until(() => receiver.received.length === 1);
    expect(halts()).to.deep.equal(["h2"]);
  });

  it("give up what is too old when a try fails, say so, and go on with the next", async () => {
    receiver.answer = (received, reply) => reply.writeHead(received.body.includes("h1") ? 502 : 200).end();
    world.retry_ms = 5_000;
    await world.open(readTargets(receiver.url));
    world.seal(halt("h1"), halt("h2"));
    await world.passUntil(1_000, () => halts().includes("h2"));
    expect(world.reports.filter((each) => each.startsWith("gave up"))).to.deep.equal([
      "gave up ve_0 (0): it answered 502",
    ]);
    expect(world.reports).to.include("127.0.0.1 given_up");
    expect(receiver.received.length).to.be.above(3);
  });

  it("go on after the last one was given up, when there is another", async () => {
    receiver.answer = (received, reply) => reply.writeHead(received.body.includes("h1") ? 502 : 200).end();
    world.retry_ms = 0;
    await world.open(readTargets(receiver.url));
    world.seal(halt("h1"));
    await world.passUntil(1_000, () => world.reports.includes("127.0.0.1 given_up"));
    await world.passUntil(1_000, () => world.time.tasks === 0);
    for (let turn = 0; turn < 20; turn++) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    world.seal(halt("h2"));
    await receiver.until(() => halts().includes("h2"));
  });

  it("try a message at least once, however old it is", async () => {
    world.retry_ms = 5_000;
    await world.open(readTargets(receiver.url));
    await world.end();
    world.seal(halt("h1"));
    world.time.pass(1_000_000);
    await world.open(readTargets(receiver.url));
    await receiver.until(() => receiver.received.length === 1);
    expect(world.reports.filter((each) => each.startsWith("gave up"))).to.deep.equal([]);
  });

  it("are not held up for ever by one that a receiver refuses", async () => {
    receiver.answer = (received, reply) => reply.writeHead(received.body.includes("h1") ? 422 : 200).end();
    world.retry_ms = 24 * 3_600_000;
    await world.open(readTargets(receiver.url));
    world.seal(halt("h1"), halt("h2"));
    await world.passUntil(10_000, () => halts().includes("h2"));
    expect(world.reports).to.include("gave up ve_0 (0): it answered 422");
    expect(world.time.monotonic_ms()).to.be.within(limits.webhook_refused_ms, 2 * limits.webhook_refused_ms);
  });

  it("follow no redirect", async () => {
    receiver.answer = (_, reply, tries) =>
      tries === 1 ? reply.writeHead(307, { location: other.url }).end() : reply.writeHead(200).end();
    await world.open(readTargets(receiver.url));
    world.seal(halt("h1"));
    await world.passUntil(1_000, () => receiver.received.length === 2);
    expect(other.received).to.deep.equal([]);
    expect(world.reports[1]).to.equal("fails at ve_0: it answered 307");
  });

  it("wait for no receiver that hangs, and read no answer without end", async () => {
    world.webhook_ms = 200;
    receiver.answer = (_, reply, tries) => {
      if (tries === 2) {
        reply.writeHead(200);
        const send = () => reply.write("x".repeat(16_384), (error) => (error ? undefined : send()));
        send();
      }
    };
    await world.open(readTargets(receiver.url));
    world.seal(halt("h1"));
    await world.passUntil(1_000, () => receiver.received.length === 2);
    await world.passUntil(0, () => world.reports.length === 4);
    expect(world.reports).to.deep.equal([
      "127.0.0.1 away",
      "fails at ve_0: no answer within 200 ms",
      "127.0.0.1 taken",
      "recovered after 1",
    ]);
  });

  it("of one target wait for no other, and each hears only what it is to hear", async () => {
    other.answer = () => {};
    await world.open(readTargets(`${other.url} ${receiver.url}#session.stopped`));
    world.seal(halt("h1"), { event: "session_killed", session_id: "s1" }, halt("h2"));
    world.seal({ event: "session_killed", session_id: "s2" });
    await receiver.until(() => receiver.received.length === 2);
    await other.until(() => other.received.length === 1);
    expect(receiver.told.map(({ event }) => event)).to.deep.equal(["session.stopped", "session.stopped"]);
    const waits = () => [...(world.webhooks?.waiting().values() ?? [])].map((since) => since !== null);
    await world.passUntil(0, () => waits()[1] === false);
    expect(waits()).to.deep.equal([true, false]);
  });

  it("are signed by other secrets from the moment in which these are given", async () => {
    const targets = readTargets(receiver.url);
    await world.open(targets);
    world.webhooks?.renew(new Map([[targets[0] as Target, [other_secret]]]));
    world.seal(halt("h1"));
    await receiver.until(() => receiver.received.length === 1);
    const [received] = receiver.received;
    expect(received !== undefined && isSigned(received, other_secret)).to.equal(true);
    expect(received !== undefined && isSigned(received, secret)).to.equal(false);
  });
});
