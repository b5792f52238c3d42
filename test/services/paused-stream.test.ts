import { create } from "@bufbuild/protobuf";
import { expect } from "chai";
import {
  DirectiveKind,
  EnforcementService,
  type InterceptStreamRequest,
  InterceptStreamRequestSchema,
  type InterceptStreamResponse,
  type StreamDirective,
  Verdict,
} from "../../gen/killcord/v1/enforcement_pb.js";
import { HaltPhase, SessionStatus } from "../../gen/killcord/v1/session_pb.js";
import type { Unstamped } from "../../src/core/command.js";
import { Room } from "../../src/services/room.js";
import { openDoor } from "../../src/services/workspace.js";
import { end, halt, kill, lift, pause, resume, start } from "../engine/asked.js";
import { newPlace, type Place, type Running } from "../engine/place.js";

const method = EnforcementService.method.interceptStream;

type Said = InterceptStreamRequest["message"];
type Heard = InterceptStreamResponse["message"];

describe("the stream of a held session", () => {
  let place: Place;
  let running: Running;
  const streams: Stream[] = [];

  beforeEach(async () => {
    place = await newPlace();
    running = await place.start();
    await submit(start(running.admin, "s1"));
  });
  afterEach(async () => {
    for (const stream of streams.splice(0)) {
      await stream.leave();
    }
    await place.remove();
  });

  const submit = (command: Unstamped) => running.engine.submit(command);
  const open = async () => {
    const stream = new Stream(running);
    streams.push(stream);
    stream.say({ case: "open", value: { sessionId: "s1" } as never });
    expect((await stream.next()).case).to.equal("opened");
    return stream;
  };
  const pausedBy = () => running.engine.projection.state.sessions.get("s1")?.pause?.halt_id;

  it("says PAUSE with what to acknowledge as soon as that is sealed, and RESUME", async () => {
    const stream = await open();
    await submit(pause(running.admin, "s1", "who asked"));
    const held = await stream.directive();
    expect([held.kind, held.reason, held.haltId]).to.deep.equal([
      DirectiveKind.PAUSE,
      "who asked",
      pausedBy(),
    ]);
    await submit(resume(running.admin, "s1"));
    const { kind, haltId, reason } = await stream.directive();
    expect([kind, haltId]).to.deep.equal([DirectiveKind.RESUME, undefined]);
    expect(reason).to.not.equal("");
  });

  it("answers block, with the status and the pause, while it lasts", async () => {
    const stream = await open();
    await submit(pause(running.admin, "s1", "who asked"));
    await stream.directive();
    stream.say({ case: "intercept", value: { ref: 1, action: { actionType: "look" } } as never });
    const { value } = await stream.next();
    const verdict = (value as { verdict?: Record<string, unknown> }).verdict;
    expect(verdict).to.deep.include({
      decision: Verdict.BLOCK,
      reasoning: "who asked",
      sessionStatus: SessionStatus.PAUSED,
      haltId: pausedBy(),
    });
    expect(verdict?.consumed).to.deep.include({ actions: 0n });
  });

  it("that is opened while it is held says PAUSE right after opened", async () => {
    await submit(halt(running.admin, { kind: "agent", id: "a1" }, "pause", "night"));
    const stream = await open();
    expect((await stream.directive()).reason).to.equal("night");
  });

  it("tells a slow reader the newest of many pauses alone", async () => {
    const stream = await open();
    for (let i = 0; i < 50; i++) {
      await submit(pause(running.admin, "s1", `number ${i}`));
      await submit(resume(running.admin, "s1"));
    }
    await submit(pause(running.admin, "s1", "the last"));
    expect((await stream.directive()).reason).to.equal("the last");
    await submit(resume(running.admin, "s1"));
    await submit(pause(running.admin, "s1", "another"));
    expect((await stream.directive()).haltId).to.equal(pausedBy());
    await submit(resume(running.admin, "s1"));
    expect((await stream.directive()).kind).to.equal(DirectiveKind.RESUME);
    stream.say({ case: "renew", value: { nonce: 7n } as never });
    expect(await stream.next()).to.deep.include({ case: "renewed" });
  });

  it("says nothing of a pause that was over before anybody heard of it", async () => {
    const stream = await open();
    await submit(pause(running.admin, "s1"));
    await submit(resume(running.admin, "s1"));
    stream.say({ case: "renew", value: { nonce: 7n } as never });
    expect(await stream.next()).to.deep.include({ case: "renewed" });
  });

  it("says STOP or END alone when it comes before the pause was heard, and nothing after it", async () => {
    for (const stop of [kill, end]) {
      const stream = await open();
      await submit(pause(running.admin, "s1"));
      await submit(stop(running.admin, "s1"));
      const { kind } = await stream.directive();
      expect(kind).to.equal(stop === kill ? DirectiveKind.STOP : DirectiveKind.END);
      await stream.leave();
      await submit(start(running.admin, "s2"));
      streams.splice(0);
      await place.begin();
      running = await place.start();
      await submit(start(running.admin, "s1"));
    }
  });

  it("goes on under one order when another is lifted, and says so only at the last", async () => {
    const stream = await open();
    await submit(halt(running.admin, { kind: "agent", id: "a1" }, "pause", "first"));
    const first = await stream.directive();
    await submit(halt(running.admin, { kind: "workspace", id: running.engine.state.workspace_id }, "pause"));
    await submit(lift(running.admin, first.haltId ?? ""));
    stream.say({ case: "renew", value: { nonce: 1n } as never });
    expect(await stream.next()).to.deep.include({ case: "renewed" });
    for (const halt_id of [...running.engine.state.halts.keys()]) {
      await submit(lift(running.admin, halt_id));
    }
    expect((await stream.directive()).kind).to.equal(DirectiveKind.RESUME);
  });

  it("takes the word of its client on the pause, and seals by what it heard of it", async () => {
    const stream = await open();
    await submit(pause(running.admin, "s1"));
    const { haltId = "" } = await stream.directive();
    stream.say({ case: "acknowledge", value: { ref: 3, haltId, phase: HaltPhase.STOPPING } as never });
    expect(await stream.next()).to.deep.include({ case: "acknowledged" });
    const log = await running.events();
    const sealed = log.findLast(({ event }) => event === "halt_acknowledged");
    expect(sealed).to.deep.include({ halt_id: haltId, via: "stream", session_id: "s1" });
    expect((sealed as { delivered_at?: number }).delivered_at).to.be.a("number");
  });
});

/** A stream as its reader and its writer hold it: nothing is read unless it is asked for. */
class Stream {
  readonly #messages: AsyncIterator<InterceptStreamResponse>;
  readonly #said: Said[] = [];
  readonly #over = new AbortController();
  #wake = () => {};

  constructor(running: Running) {
    const call = {
      principal: running.admin as { key_id: string; role: "admin" },
      request_id: "req_1",
      signal: this.#over.signal,
      reply_headers: new Headers(),
      received_ms: 0,
      share: new Room().enter(method),
    };
    const door = openDoor(running);
    const messages = door.duplex(method, this.#requests(), call) as AsyncIterable<InterceptStreamResponse>;
    this.#messages = messages[Symbol.asyncIterator]();
  }

  say(message: Said): void {
    this.#said.push(message);
    this.#wake();
  }

  async next(): Promise<Heard> {
    const step = await this.#messages.next();
    return step.done === true ? expect.fail("the stream has ended") : step.value.message;
  }

  async directive(): Promise<StreamDirective> {
    const message = await this.next();
    return message.case === "directive" ? message.value : expect.fail(`${message.case}`);
  }

  async leave(): Promise<void> {
    this.#over.abort();
    this.#wake();
    await this.#messages.return?.();
  }

  async *#requests(): AsyncGenerator<InterceptStreamRequest> {
    while (!this.#over.signal.aborted) {
      const message = this.#said.shift();
      if (message === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      } else {
        yield create(InterceptStreamRequestSchema, { message });
      }
    }
  }
}
