import { expect } from "chai";
import { system_actor } from "../../src/core/actor.js";
import type { Event } from "../../src/core/event.js";
import { fromContent, toContent, UnknownEvent } from "../../src/engine/content.js";
import { canonical } from "../../src/vault/canonical.js";

const at = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
const salt = "00112233445566778899aabbccddeeff";
const own_salt = "ffeeddccbbaa99887766554433221100";
const common = { at, actor: system_actor };

const halt: Event = {
  ...common,
  event: "halt_requested",
  halt_id: "halt_000000000001",
  scope: { kind: "session", id: "s1" },
  mode: "kill",
  reason: "enough",
  session_count: 1,
  drill_id: null,
};

const expired: Event = {
  ...common,
  event: "session_expired",
  session_id: "s1",
  session_index: 3,
  agent_id: null,
  stop_reason: "ttl_expired",
  deadline_at: at - 1,
  halt_id: "halt_000000000002",
  consumed: { actions: 0, tokens: 0, cost_usd_micros: 0 },
  reserved: { tokens: 0, cost_usd_micros: 0 },
};

const key: Event = {
  ...common,
  event: "api_key_created",
  key_id: "key_1",
  name: "ci",
  granted_role: "agent",
  granted_roles: ["agent"],
  agent_id: null,
  secret_digest: "00",
  expires_at: at + 1,
};

const repeated: Event = {
  ...halt,
  idempotency: { key_digest: "aa", request_digest: "bb", salt: own_salt },
};

describe("an event in the log", () => {
  const events = {
    "an order": halt,
    "an expiry": expired,
    "a key that ends": key,
    "a key for ever": { ...key, expires_at: null },
    "a repeatable order": repeated,
  };
  for (const [name, event] of Object.entries(events)) {
    it(`comes back as it was: ${name}`, () => {
      expect(fromContent(canonical(toContent(event, salt)), null, 5)).to.deep.equal(event);
    });
  }

  it("has its times as texts, and a salt", () => {
    expect(toContent(expired, salt)).to.include({
      at: "2026-01-02T03:04:05.006Z",
      deadline_at: "2026-01-02T03:04:05.005Z",
      _salt: salt,
    });
  });

  it("has the salt of its request digest, and not that salt twice", () => {
    const content = toContent(repeated, salt);
    expect(content._salt).to.equal(own_salt);
    expect(content.idempotency).to.deep.equal({ key_digest: "aa", request_digest: "bb" });
  });

  it("with details finds the salt there, and none once they are erased", () => {
    const event = { ...repeated, details_digest: "cc" } as Event;
    const content = canonical(toContent(event, salt));
    expect(JSON.parse(content)._salt).to.equal(salt);
    expect(fromContent(content, JSON.stringify({ _salt: own_salt }), 5)).to.deep.equal(event);
    expect(fromContent(content, null, 5).idempotency?.salt).to.equal(null);
  });

  it("of a kind that a newer version sealed is refused by name and place", () => {
    expect(() => fromContent('{"event":"session_teleported"}', null, 7))
      .to.throw(UnknownEvent)
      .with.property("message")
      .that.contains("7")
      .and.contains("session_teleported");
  });
});
