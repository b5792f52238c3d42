import { createHash } from "node:crypto";
import { expect } from "chai";
import fc from "fast-check";
import { system_actor } from "../../src/core/actor.js";
import type { Event } from "../../src/core/event.js";
import { toContent } from "../../src/engine/content.js";
import { node_crypto } from "../../src/vault/node-crypto.js";
import type { Entry } from "../../src/vault/verify/entry-check.js";
import type { Header } from "../../src/vault/verify/header.js";
import { replay } from "../../src/vault/verify/replay.js";
import { escalation_step, run } from "../core/escalation-steps.js";
import { Interleaving, type Step, steps } from "../core/interleaving.js";
import { Workspace } from "../core/workspace.js";

const hash = (text: string) => createHash("sha256").update(text).digest("hex");
const salt = "0".repeat(32);
const header = { kind: "full", session_id: null } as Header;

/** Digests that the core's tests leave out, as the services would bring them. */
function sealable(event: Event): Event {
  const digests = {
    ...("secret_digest" in event ? { secret_digest: hash(event.secret_digest) } : {}),
    ...(event.idempotency === undefined
      ? {}
      : { idempotency: { key_digest: hash("key"), request_digest: hash("request"), salt } }),
  };
  return { ...event, ...digests } as Event;
}

/** What the verifier's replay says of a log of events; genesis is the vault's own and left out. */
function findings(log: readonly Event[]): readonly string[] {
  const entries = log.map((event, sequence_number): Partial<Entry> => {
    const content = toContent(sealable(event), salt);
    const signed_at = content.at as string;
    return {
      sequence_number,
      signed_at,
      content,
      signature: { key_id: "", algorithm: "ECDSA_P256_SHA256", value: "" },
    };
  });
  const lines = { count: entries.length - 1, at: (line: number) => entries[line + 1] };
  const { failures } = replay({ header, keys: new Map(), lines, tree: null }, node_crypto.sha256);
  return failures.map(({ code, sequence, why }) => `${code} ${sequence}: ${why}`);
}

/** An escalated action as it could be sealed: its digests stand for themselves, and it has no details. */
function hashed(event: Event): Event {
  if (event.event !== "enforcement_decision" || event.action_digest === null) {
    return event;
  }
  return { ...event, action_digest: hash(event.action_digest), details_digest: null };
}

function logOf(taken: readonly Step[]): readonly Event[] {
  const run = new Interleaving(false);
  for (const step of taken) {
    run.take(step);
  }
  return run.workspace.log;
}

describe("what the core decides", () => {
  it("the verifier finds right, under any interleaving", () => {
    fc.assert(
      fc.property(steps, (taken) => {
        expect(findings(logOf(taken))).to.deep.equal([]);
      }),
      { numRuns: 300 },
    );
  });

  it("the verifier finds right of escalations, and wrong of an approval that is used twice", () => {
    fc.assert(
      fc.property(fc.array(escalation_step, { maxLength: 60, size: "max" }), (taken) => {
        const log = run(taken).map(hashed);
        expect(findings(log)).to.deep.equal([]);
        const used = log.findIndex(
          (event) =>
            event.event === "enforcement_decision" &&
            event.decision === "allow" &&
            event.escalation_id !== null,
        );
        const use = log[used];
        if (use?.event === "enforcement_decision" && use.session_id === null) {
          const again = { ...use, decision_id: "enf_again" };
          expect(findings(log.toSpliced(used + 1, 0, again)).join()).to.include("used before");
        }
      }),
      { numRuns: 200 },
    );
  });

  it("the verifier finds right when a crash has cut it anywhere and it was finished at the next start", () => {
    fc.assert(
      fc.property(steps, fc.double({ min: 0, max: 1, noNaN: true }), (taken, place) => {
        const whole = logOf(taken);
        const workspace = new Workspace(false);
        for (const event of whole.slice(1, 1 + Math.ceil(place * whole.length))) {
          workspace.apply(event);
        }
        workspace.now = workspace.state.at;
        workspace.submit({ type: "finish_cascades", actor: system_actor });
        expect(findings(workspace.log)).to.deep.equal([]);
      }),
      { numRuns: 150 },
    );
  });

  it("the verifier finds wrong as soon as one entry is left out that is not the last of its session", () => {
    fc.assert(
      fc.property(steps, fc.nat(), (taken, number) => {
        const log = logOf(taken);
        const inner = log.flatMap((event, i) => {
          const id = "session_id" in event ? event.session_id : null;
          const later = log.slice(i + 1).some((other) => "session_id" in other && other.session_id === id);
          return id !== null && later ? [i] : [];
        });
        fc.pre(inner.length > 0);
        const left_out = inner[number % inner.length] as number;
        expect(findings(log.toSpliced(left_out, 1))).to.have.length.above(0);
      }),
      { numRuns: 150 },
    );
  });
});
