/** InterceptStream: the actions of one session over one call, and its stop in the same place. */
import {
  type InterceptStreamRequest,
  InterceptStreamRequestSchema,
  type InterceptStreamResponse,
  type StreamAcknowledge,
  type StreamIntercept,
  type StreamOpen,
  type StreamRenew,
  type StreamSettle,
} from "../../gen/killcord/v1/enforcement_pb.js";
import { isExpired } from "../core/access.js";
import { progressOf } from "../core/halt.js";
import type { Session } from "../core/state.js";
import { limits } from "../limits.js";
import { acknowledge } from "./acknowledge.js";
import { keepAlive } from "./beat.js";
import { by, type Context, callerKey, submit } from "./context.js";
import type { Call } from "./door.js";
import { KillcordError } from "./errors.js";
import { expired } from "./expired.js";
import { Grace } from "./grace.js";
import { errorView, intercept } from "./intercept.js";
import { Outbox } from "./outbox.js";
import { present } from "./present.js";
import { closeOnStream } from "./settle.js";
import { actionOf } from "./stream-action.js";
import { directive, messageOf, type Sent, turnDirective } from "./stream-view.js";
import { invalid, validate } from "./validate.js";
import { WarningsTold } from "./warnings-told.js";

/** What a caller sent, or why it could not be read. */
type Incoming = InterceptStreamRequest | KillcordError;

/** The messages of the server; ends as the service description says. */
export function interceptStream(
  context: Context,
  requests: AsyncIterable<Incoming>,
  call: Call,
): AsyncIterable<InterceptStreamResponse> {
  const stream = new InterceptStream(context, call);
  void stream.read(requests);
  return stream.outbox;
}

class InterceptStream {
  readonly outbox: Outbox<InterceptStreamResponse>;
  readonly #context: Context;
  readonly #call: Call;
  #session_id: string | null = null;
  #told_end = false;
  /** Index of the pause that the caller knows of last; null when it knows the session as active. */
  #told_pause: number | null = null;
  /** Whether verdicts tell the ids of all policies that were asked, which is most of their bytes. */
  #tells_evaluated = false;
  readonly #warnings = new WarningsTold();
  readonly #abort = () => this.#drain(this.#call.signal.reason);
  /** Each calls something off that was set up; once the stream is over, all of it. */
  #silence = nothing;
  #forgetBeat = nothing;
  #forgetKey = nothing;
  readonly #grace: Grace;

  constructor(context: Context, call: Call) {
    this.#context = context;
    this.#call = call;
    this.outbox = new Outbox(limits.stream_in_flight, () => this.#leave());
    this.#grace = new Grace((end) => this.#after(context.engine.halts.confirm_ms, end));
    call.signal.addEventListener("abort", this.#abort);
    if (call.signal.aborted) {
      this.#abort();
    }
    // From the beginning: a stream may be left for long before a session is opened on it.
    this.#forgetKey = context.engine.key_ends.onEnd(call.principal.key_id, () => this.#look());
  }

  /** Takes the caller's messages one after the other, until either side is done. Never rejects. */
  async read(requests: AsyncIterable<Incoming>): Promise<void> {
    try {
      for await (const request of requests) {
        if (this.outbox.ending) {
          return;
        }
        const opening = this.#take(request);
        if (opening !== undefined) {
          // What comes after it needs the session.
          await opening;
        }
        if (this.outbox.full) {
          await this.outbox.room();
        }
      }
      this.outbox.end(null);
    } catch (error) {
      this.outbox.end(error);
    }
  }

  #take(request: Incoming): Promise<void> | undefined {
    if (request instanceof KillcordError) {
      this.#refuse(0, request);
      return undefined;
    }
    const { message } = request;
    switch (message.case) {
      case "intercept":
        this.#intercept(message.value);
        return undefined;
      case "open":
        return this.#open(request, message.value);
      case "acknowledge":
        this.#answer(message.value.ref, () => this.#acknowledge(request, message.value));
        return undefined;
      case "settle":
        this.#answer(message.value.ref, () => this.#settle(request, message.value));
        return undefined;
      case "renew":
        this.#answer(0, () => this.#renew(message.value));
        return undefined;
      case undefined:
        this.#refuse(
          0,
          invalid([
            { field: "message", issue: "one of open, intercept, acknowledge, settle, renew is needed" },
          ]),
        );
        return undefined;
    }
  }

  /** @throws {KillcordError} which ends the call: without its session it is good for nothing */
  async #open(
    request: InterceptStreamRequest,
    { sessionId: session_id, policiesEvaluated }: StreamOpen,
  ): Promise<void> {
    if (this.#session_id !== null) {
      this.#refuse(0, invalid([{ field: "open", issue: "the stream is open: one session on one stream" }]));
      return;
    }
    validate(InterceptStreamRequestSchema, request);
    const { engine } = this.#context;
    const command = { type: "touch_session", session_id, ...by(this.#call) } as const;
    const { reply } = await submit(this.#context, this.#call, command, "session");
    const { session_id: id } = reply;
    const [session, shown] = await Promise.all([engine.projection.session(id), present(this.#context, id)]);
    if (this.outbox.ending) {
      return;
    }
    // No stop is missed: from here on it rings, and one that came before is seen at once.
    this.#session_id = id;
    this.#tells_evaluated = policiesEvaluated;
    this.#silence = engine.alarms.set(id, () => this.#look());
    this.outbox.hasten(messageOf({ case: "opened", value: { session: shown } }));
    this.#look(this.#sealed() ?? session);
    this.#forgetBeat = keepAlive(this.outbox, (wait_ms, act) => this.#after(wait_ms, act));
  }

  #intercept(asked: StreamIntercept): void {
    const { ref } = asked;
    this.#answer(ref, async () => {
      const call = { ...this.#call, received_ms: performance.now() };
      const action = actionOf(asked, () => this.#opened());
      const verdict = await intercept(this.#context, action, call, "stream");
      if (!this.#tells_evaluated) {
        verdict.policiesEvaluated = [];
      }
      return { case: "verdict", value: { ref, verdict } };
    });
  }

  async #acknowledge(request: InterceptStreamRequest, { ref, haltId, phase, evidence }: StreamAcknowledge) {
    validate(InterceptStreamRequestSchema, request);
    const acknowledgement = { sessionId: this.#opened(), haltId, phase, evidence, supervisor: false };
    await acknowledge(this.#context, this.#call, acknowledgement, true);
    return { case: "acknowledged" as const, value: { ref, haltId, phase } };
  }

  async #settle(request: InterceptStreamRequest, settle: StreamSettle): Promise<Sent> {
    validate(InterceptStreamRequestSchema, request);
    const reservation = await closeOnStream(this.#context, settle, this.#opened(), this.#call);
    return { case: "settled", value: { ref: settle.ref, reservation } };
  }

  /** Told only when all that was decided before is sealed: no lease outlives a stop that it has not heard. */
  async #renew({ nonce }: StreamRenew): Promise<Sent> {
    const command = { type: "touch_session", session_id: this.#opened(), ...by(this.#call) } as const;
    await submit(this.#context, this.#call, command, "session", { renews: true });
    return { case: "renewed", value: { nonce } };
  }

  #opened(): string {
    if (this.#session_id === null) {
      throw invalid([{ field: "open", issue: "no session is open on this stream: send open first" }]);
    }
    return this.#session_id;
  }

  /** Answers one message by what `decide` makes of it; a refusal concerns that message alone. */
  #answer(ref: number, decide: () => Promise<Sent>): void {
    this.outbox.begin();
    decide().then(
      (sent) => this.outbox.answer(messageOf(sent)),
      (error: unknown) => this.#fail(ref, error),
    );
  }

  #fail(ref: number, error: unknown): void {
    if (!(error instanceof KillcordError)) {
      this.outbox.abandon();
      this.outbox.end(error);
      return;
    }
    this.outbox.answer(messageOf({ case: "error", value: { ref, error: errorView(error, this.#call) } }));
    // None of the next would be taken either.
    if (error.code === "expired_api_key" || !this.#context.engine.running) {
      this.outbox.end(error);
    }
  }

  #refuse(ref: number, error: KillcordError): void {
    this.#send({ case: "error", value: { ref, error: errorView(error, this.#call) } });
  }

  /** Looks at what can end the run or the stream. Called in the turn in which such a thing is sealed. */
  #look(session = this.#sealed()): void {
    const stop = session?.stop ?? null;
    if (session !== null && stop === null) {
      this.#tellPause(session);
      for (const value of this.#warnings.news(session)) {
        this.#send({ case: "directive", value });
      }
    }
    if (session !== null && stop !== null && !this.#told_end) {
      this.#told_end = true;
      this.outbox.replace(null);
      this.outbox.hasten(messageOf({ case: "directive", value: directive(stop) }), () =>
        this.#context.engine.halts.deliver(session, "stream"),
      );
    }
    const key = callerKey(this.#context, this.#call);
    if (key.revoked === null ? isExpired(key, this.#context.engine.clock.now()) : key.kind === "key") {
      this.outbox.end(expired(key));
    } else if (key.revoked !== null && (stop !== null || this.#session_id === null)) {
      this.#grace.look(session, () => this.outbox.end(expired(key)));
    }
    if (
      session !== null &&
      stop !== null &&
      (stop.halt_id === null || progressOf(session).confirmed_at !== null)
    ) {
      this.outbox.end(null);
    }
  }

  /** Tells what the session has become since the caller was told last, once, when the caller reads. */
  #tellPause(session: Session): void {
    const { pause } = session;
    const sequence = pause?.sequence ?? null;
    if (sequence === this.#told_pause) {
      this.outbox.replace(null);
      return;
    }
    this.outbox.replace(messageOf({ case: "directive", value: turnDirective(pause) }), () => {
      this.#told_pause = sequence;
      this.#context.engine.halts.deliver(session, "stream");
    });
  }

  #sealed(): Session | null {
    const { state } = this.#context.engine.projection;
    return this.#session_id === null ? null : (state.sessions.get(this.#session_id) ?? null);
  }

  #after(wait_ms: number, act: () => void): () => void {
    return this.outbox.ending ? nothing : this.#context.engine.clock.after(wait_ms, act);
  }

  /** The server is about to stop: nothing more is taken, what is under way is answered. */
  #drain(reason: unknown): void {
    this.#send({ case: "bookmark", value: { draining: true } });
    this.outbox.end(reason);
  }

  #send(sent: Sent): void {
    this.outbox.put(messageOf(sent));
  }

  #leave(): void {
    this.#call.signal.removeEventListener("abort", this.#abort);
    this.#silence();
    this.#forgetBeat();
    this.#forgetKey();
    this.#grace.callOff();
  }
}

function nothing(): void {}
