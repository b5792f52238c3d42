/** What the protocols can reach: services, and what runs when one of their methods is called. */
import type { DescMethod, DescService, Message } from "@bufbuild/protobuf";
import type { ConnectError, HandlerContext } from "@connectrpc/connect";
import type { Call, Door } from "../services/door.js";
import type { Share } from "../services/room.js";
import type { Life } from "./life.js";

/** One call under way, from the authentication to its service. */
export interface Pass {
  /** What the service gets to know. */
  readonly call: Call;
  readonly life: Life;
  readonly share: Share;
  /** Whether the call's messages are JSON, and the most bytes that one may have. */
  readonly json: boolean;
  readonly message_bytes_max: number;
  /** The time that the caller gave, if any. */
  readonly timeout_ms: number | null;
  /** Has the last word on an error. */
  tell(error: ConnectError): ConnectError;
  /** Told when the service is reached; errors before that are the protocol library's. */
  reached: boolean;
  /** What the service threw, for the log. */
  thrown: unknown;
}

/** The calls of a service, by their kind; those of kinds that no method of it has are left out. */
export interface Calls {
  unary?(method: DescMethod, request: Message, pass: Pass, context: HandlerContext): Promise<Message>;
  serverStreaming?(
    method: DescMethod,
    request: Message,
    pass: Pass,
    context: HandlerContext,
  ): AsyncIterable<Message>;
  clientStreaming?(
    method: DescMethod,
    requests: AsyncIterable<Message>,
    pass: Pass,
    context: HandlerContext,
  ): Promise<Message>;
  bidiStreaming?(
    method: DescMethod,
    requests: AsyncIterable<Message>,
    pass: Pass,
    context: HandlerContext,
  ): AsyncIterable<Message>;
}

/** A bidi call that needs nothing but its messages. One that cannot be read stands there as its refusal. */
export type Duplex = Door["duplex"];

/** A service at its path. */
export interface Mount {
  readonly service: DescService;
  /** Whether its methods need a key. */
  readonly keyed: boolean;
  /** The most bytes of one of its messages, where that is less than for others. */
  readonly message_bytes_max?: number;
  readonly calls: Calls;
  /** Its bidi calls, for the short way (converse.ts). */
  readonly duplex?: Duplex;
}

/** The services of a door. */
export function doorMounts(door: Door): readonly Mount[] {
  const calls: Calls = {
    unary: (method, request, { call }) => door.unary(method, request, call),
    serverStreaming: (method, request, { call }) => door.stream(method, request, call),
    bidiStreaming: (method, requests, { call }) => door.duplex(method, requests, call),
  };
  const duplex: Duplex = (method, requests, call) => door.duplex(method, requests, call);
  return door.services.map((service) => ({ service, keyed: true, calls, duplex }));
}
