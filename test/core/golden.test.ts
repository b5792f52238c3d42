/**
 * Contents as they were sealed once. Together they are one log; each says what it did to the state
 * before it. They are never changed: what is sealed somewhere must replay for ever.
 */
import { readdirSync, readFileSync } from "node:fs";
import { expect } from "chai";
import type { Event } from "../../src/core/event.js";
import { evolve } from "../../src/core/evolve.js";
import { emptyState } from "../../src/core/state.js";
import { type Content, fromContent, toContent } from "../../src/engine/content.js";
import { audit } from "./audit.js";

interface Golden {
  /** Its place in the log. */
  readonly sequence: number;
  readonly content: Content & { readonly _salt: string; readonly event: string };
  /** Canonical details, where there are any. */
  readonly details?: string;
  /** What the state holds after it, among other things; maps as objects, sets as arrays. */
  readonly effect: object;
}

const folder = "test/core/golden";

/** One of each member of Event: a new member does not compile until it is here. */
const events: Readonly<Record<Event["event"], true>> = {
  agent_registered: true,
  agent_revoked: true,
  api_key_created: true,
  api_key_revoked: true,
  budget_exceeded: true,
  budget_raised: true,
  credential_issued: true,
  credential_revoked: true,
  drill_ended: true,
  drill_started: true,
  enforcement_decision: true,
  escalation_opened: true,
  escalation_resolved: true,
  halt_acknowledged: true,
  halt_confirmed: true,
  halt_lifted: true,
  halt_requested: true,
  halt_unconfirmed: true,
  heartbeat: true,
  lease_lost: true,
  notice: true,
  reservation_settled: true,
  policy_changed: true,
  session_ended: true,
  session_expired: true,
  session_killed: true,
  session_paused: true,
  session_resumed: true,
  session_started: true,
  vault_opened: true,
};

describe("what was sealed once", () => {
  const names = readdirSync(folder).sort();
  const log = names.flatMap(goldens).sort((a, b) => a.sequence - b.sequence);

  function goldens(name: string): readonly Golden[] {
    return JSON.parse(readFileSync(`${folder}/${name}`, "utf8"));
  }

  function eventOf({ content, details, sequence }: Golden): Event {
    return fromContent(JSON.stringify(content), details ?? null, sequence);
  }

  it("there is some of every event, in a file of its name", () => {
    expect(names).to.deep.equal(
      Object.keys(events)
        .sort()
        .map((event) => `${event}.json`),
    );
    for (const name of names) {
      expect(new Set(goldens(name).map(({ content }) => `${content.event}.json`))).to.deep.equal(
        new Set([name]),
      );
    }
  });

  it("is a whole log, as a verifier demands it", () => {
    expect(log.map(({ sequence }) => sequence)).to.deep.equal(log.map((_, i) => i));
    expect(audit(log.map(eventOf))).to.deep.equal([]);
  });

  it("would be sealed again to the same members", () => {
    for (const golden of log) {
      expect(toContent(eventOf(golden), golden.content._salt)).to.deep.equal(golden.content);
    }
  });

  for (const name of names) {
    it(`${name} still replays to what it did`, () => {
      const state = emptyState();
      for (const golden of log) {
        evolve(state, eventOf(golden));
        if (`${golden.content.event}.json` === name) {
          expect(plain(state)).to.containSubset(golden.effect);
        }
      }
    });
  }
});

/** Maps as objects, sets as arrays. */
function plain(value: unknown): unknown {
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, member]) => [key, plain(member)]));
  }
  if (value instanceof Set || Array.isArray(value)) {
    return [...value].map(plain);
  }
  return typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]))
    : value;
}
