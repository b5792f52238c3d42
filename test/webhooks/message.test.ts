/** What is told of each event that the golden files hold, members of people's and agents' text among them. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { isAnnounced } from "../../src/engine/announced.js";
import { messageOf } from "../../src/webhooks/message.js";

type Content = Readonly<Record<string, unknown>>;

/** Contents as they were sealed once. */
const golden = (event: string) =>
  (JSON.parse(readFileSync(`test/core/golden/${event}.json`, "utf8")) as { content: Content }[]).map(
    ({ content }) => content,
  );

/** Members that hold what somebody typed, and those of an entry's own. */
const kept_inside = ["reason", "reasoning", "_salt", "idempotency", "request_id", "event", "session_index"];

describe("the message of a webhook", () => {
  for (const sealed of [
    "halt_requested",
    "halt_lifted",
    "halt_confirmed",
    "halt_unconfirmed",
    "session_killed",
    "session_expired",
    "budget_exceeded",
    "escalation_opened",
    "escalation_resolved",
  ]) {
    it(`of ${sealed} tells every member but what was typed`, () => {
      expect(isAnnounced(sealed)).to.equal(true);
      for (const content of golden(sealed)) {
        const told = messageOf("log.example/a", entryOf(content));
        const { data, at, actor } = JSON.parse(told?.body ?? "");
        expect({ at, actor }).to.deep.equal({ at: content.at, actor: content.actor });
        const expected = Object.entries(content).filter(
          ([member]) => !kept_inside.includes(member) && member !== "at" && member !== "actor",
        );
        expect(data).to.deep.include(Object.fromEntries(expected));
        for (const [member, value] of Object.entries(data)) {
          expect(value, member).to.deep.equal(content[member] ?? null);
        }
        expect(data).to.not.have.any.keys(...kept_inside);
      }
    });
  }

  it("is not made of other events", () => {
    for (const sealed of ["enforcement_decision", "session_started", "policy_changed", "api_key_created"]) {
      expect(messageOf("log.example/a", entryOf({ event: sealed }))).to.equal(null);
    }
  });
});

function entryOf(content: Content) {
  const texts = { leaf: "", details: null, entry_hash: "", content: JSON.stringify(content) };
  return { sequence_number: 7, entry_id: "ve_7", signed_at: "2026-01-01T00:00:00.000Z", ...texts };
}
