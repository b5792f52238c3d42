import { expect } from "chai";
import type { EnforcementDecision } from "../../src/core/event.js";
import type { Outcome } from "../../src/engine/outcome.js";
import { UnsyncedJournal } from "../journal/unsynced.js";
import { intercept, interceptWith, kill, newSalt, start, underKey } from "./asked.js";
import { newPlace, type Place, type Running, verifiedFailures } from "./place.js";

describe("a request under an idempotency key", () => {
  let place: Place;
  let running: Running;

  beforeEach(async () => {
    place = await newPlace();
    running = await place.start();
    await running.engine.submit(start(running.admin, "s1", { max_actions: 10 }));
  });

  afterEach(() => place.remove());

  async function restart(): Promise<void> {
    await running.engine.stop();
    place.time.restart();
    running = await place.start();
  }

  function ask(request: string, text: string | null = null, key = "k1"): Promise<Outcome> {
    const { engine, admin } = running;
    const salt = newSalt();
    const [command, enclosed] =
      text === null
        ? [intercept(admin, "s1"), {}]
        : interceptWith(admin, "s1", { metadata: null, action_content: text }, salt);
    const asked = underKey(command, key, request, enclosed, salt);
    return engine.submit(asked.command, asked.enclosed);
  }

  for (const [kind, text] of [
    ["with details, whose salt it has", "read it"],
    ["without details, with a salt of its own", null],
  ] as const) {
    describe(kind, () => {
      it("is answered once and for all, also after a restart", async () => {
        const first = await ask('{"a":1}', text);
        const again = await ask('{"a":1}', text);
        await restart();
        const later = await ask('{"a":1}', text);
        const { sequence } = first.reply as { sequence: number };
        for (const { reply, events } of [again, later]) {
          expect(reply).to.include({ type: "verdict", sequence, replayed: true });
          expect(events).to.deep.equal([]);
        }
        expect((await running.engine.projection.session("s1"))?.actions.spent).to.equal(1);
      });

      it("is refused when it is another request, also after a restart", async () => {
        await ask('{"a":1}', text);
        const other = await ask('{"a":2}', text);
        await restart();
        for (const { reply } of [other, await ask('{"a":2}', text)]) {
          expect(reply).to.include({ type: "refused", code: "idempotency_key_mismatch" });
        }
      });

      it("has its digest made with the salt that stands in the log", async () => {
        const { entries } = await ask('{"a":1}', text);
        const { content, details } = entries[0] as (typeof entries)[number];
        const sealed = JSON.parse(content);
        const salt = details === null ? sealed._salt : JSON.parse(details)._salt;
        const expected = underKey(intercept(running.admin, "s1"), "k1", '{"a":1}', {}, salt).command.repeat;
        expect(sealed.idempotency).to.deep.equal({
          key_digest: expected?.key_digest,
          request_digest: expected?.request_digest,
        });
        expect(await verifiedFailures(running.vault)).to.deep.equal([]);
      });
    });
  }

  it("leaves no two entries with the same salt", async () => {
    await ask("{}", "text");
    await ask("{}", null, "k2");
    await running.engine.submit(kill(running.admin, "s1"));
    const salts: string[] = [];
    for await (const { content, details } of running.vault.read(0, 100)) {
      salts.push(...[content, details ?? "null"].flatMap((text) => JSON.parse(text)?._salt ?? []));
    }
    expect(salts.length).to.be.greaterThan(running.vault.head().size);
    expect(new Set(salts).size).to.equal(salts.length);
  });

  it("waits for the seal of the first that is still on its way", async () => {
    const held = await newPlace();
    try {
      const journal = new UnsyncedJournal(held.disk);
      running = await held.start({ journal });
      await running.engine.submit(start(running.admin, "s1"));
      journal.hold();
      const order: string[] = [];
      const first = ask("{}").then(() => order.push("first"));
      const second = ask("{}").then(() => order.push("second"));
      await journal.held();
      expect(order).to.deep.equal([]);
      journal.release();
      await Promise.all([first, second]);
      expect(order).to.deep.equal(["first", "second"]);
    } finally {
      await held.remove();
    }
  });

  it("passes no old allow after the stop, also after a restart", async () => {
    await ask("{}");
    await running.engine.submit(kill(running.admin, "s1"));
    await restart();
    const { events } = await ask("{}");
    expect((events[0] as EnforcementDecision).decision).to.equal("terminate");
  });

  it("starts one session, also after a restart", async () => {
    const begin = (session_id: string) => {
      const { command, enclosed } = underKey(start(running.admin, session_id), "start", "{}");
      return running.engine.submit(command, enclosed);
    };
    await begin("s2");
    await restart();
    expect((await begin("s3")).reply).to.deep.equal({ type: "session", session_id: "s2", replayed: true });
  });
});
