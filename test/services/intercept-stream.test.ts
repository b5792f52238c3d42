import { create } from "@bufbuild/protobuf";
import { expect } from "chai";
import {
  EnforcementService,
  type InterceptStreamRequest,
  InterceptStreamRequestSchema,
  type InterceptStreamResponse,
} from "../../gen/killcord/v1/enforcement_pb.js";
import { limits } from "../../src/limits.js";
import { Room } from "../../src/services/room.js";
import { openDoor } from "../../src/services/workspace.js";
import { createKey, register, revokeCredential, start } from "../engine/asked.js";
import { newPlace, type Place, type Running } from "../engine/place.js";

const method = EnforcementService.method.interceptStream;

describe("the stream of a revoked credential", () => {
  let place: Place;
  let running: Running;
  let credential_id: string;

  beforeEach(async () => {
    place = await newPlace();
    running = await place.start();
    const { engine, admin } = running;
    await engine.submit(register(admin, "a1"));
    credential_id = engine.state.agents.get("a1")?.credential_id ?? expect.fail("it has one");
    const agent = { key_id: credential_id, role: "agent" } as const;
    await engine.submit(start(agent, "s1", { agent_id: null, ttl_seconds: 3600 }));
  });
  afterEach(() => place.remove());

  /** A stream that is open on the session and says nothing more; what it hears, and how it ends. */
  function open({ key_id = credential_id, says_open = true } = {}) {
    const silent = new AbortController();
    async function* requests(): AsyncGenerator<InterceptStreamRequest> {
      if (says_open) {
        yield create(InterceptStreamRequestSchema, { message: { case: "open", value: { sessionId: "s1" } } });
      }
      await new Promise((resolve) => silent.signal.addEventListener("abort", resolve));
    }
    const call = {
      principal: { key_id, role: "agent" } as const,
      request_id: "req_1",
      signal: new AbortController().signal,
      reply_headers: new Headers(),
      received_ms: 0,
      share: new Room().enter(EnforcementService.method.interceptStream),
    };
    const heard: InterceptStreamResponse["message"][] = [];
    const woken: (() => void)[] = [];
    const listen = async () => {
      try {
        for await (const message of openDoor(running).duplex(method, requests(), call)) {
          heard.push((message as InterceptStreamResponse).message);
          woken.splice(0).forEach((wake) => void wake());
        }
        return null;
      } catch (error) {
        return error as Error & { readonly code?: string };
      } finally {
        silent.abort();
      }
    };
    let is_over = false;
    const ended = listen().finally(() => {
      is_over = true;
    });
    const until = async (kind: InterceptStreamResponse["message"]["case"]) => {
      while (!heard.some((message) => message.case === kind)) {
        await Promise.race([ended, new Promise<void>((resolve) => woken.push(resolve))]);
        expect(is_over, `the stream goes on until ${kind}`).to.equal(false);
      }
    };
    return { heard, until, ended, isOver: () => is_over };
  }

  /** Every promise that is settled by now has had its turn. */
  const turns = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

  it("hears the directive, and is closed 10 seconds later when nobody confirms the stop", async () => {
    const stream = open();
    await stream.until("opened");
    await running.engine.submit(revokeCredential(running.admin, credential_id));
    await stream.until("directive");
    place.time.pass(limits.halt_confirm_ms - 1);
    await turns();
    expect(stream.isOver()).to.equal(false);
    place.time.pass(1);
    expect(await stream.ended).to.include({ code: "expired_api_key" });
  });

  it("is closed 10 seconds after the revocation when no session was opened on it", async () => {
    const stream = open({ says_open: false });
    await turns();
    await running.engine.submit(revokeCredential(running.admin, credential_id));
    place.time.pass(limits.halt_confirm_ms - 1);
    await turns();
    expect(stream.isOver()).to.equal(false);
    place.time.pass(1);
    expect(await stream.ended).to.include({ code: "expired_api_key" });
  });

  it("of an API key is closed with the key, also when no session was opened on it", async () => {
    const { engine, admin } = running;
    const { reply } = await engine.submit(createKey(["agent"]));
    const key_id = reply.type === "key" ? reply.key_id : expect.fail(reply.type);
    const stream = open({ key_id, says_open: false });
    await turns();
    await engine.submit({ type: "revoke_key", actor: admin, request_id: null, key_id, reason: "" });
    expect(await stream.ended).to.include({ code: "expired_api_key" });
  });

  it("ends well when the stop is confirmed, also where the credential would have had an end by then", async () => {
    const { engine, admin } = running;
    await engine.submit({
      type: "rotate_key",
      kind: "credential",
      key_id: credential_id,
      secret_digest: "another",
      overlap_seconds: 5,
      ttl_seconds: null,
      repeat: null,
      actor: admin,
      request_id: null,
    });
    const stream = open();
    await stream.until("opened");
    await engine.submit(revokeCredential(admin, credential_id));
    await stream.until("directive");
    place.time.pass(6_000);
    await confirm();
    expect(await stream.ended).to.equal(null);
  });

  it("is closed at once when the stop is confirmed", async () => {
    const stream = open();
    await stream.until("opened");
    await running.engine.submit(revokeCredential(running.admin, credential_id));
    await stream.until("directive");
    await confirm();
    await stream.ended;
    expect(stream.heard.at(-1)?.case).to.equal("directive");
  });

  async function confirm(): Promise<void> {
    const halt_id = running.engine.state.sessions.get("s1")?.stop?.halt_id ?? expect.fail("it has one");
    await running.engine.submit({
      type: "acknowledge_halt",
      actor: { key_id: credential_id, role: "agent" },
      request_id: null,
      session_id: "s1",
      halt_id,
      evidence: "tasks_cancelled",
      via: "supervisor",
      delivered_at: null,
    });
  }
});
