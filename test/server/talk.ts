/** An InterceptStream as a client of its own sees it, over grpc-js. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import type { StatusObject } from "@grpc/grpc-js";
import {
  EnforcementService,
  InterceptStreamRequestSchema,
  type InterceptStreamResponse,
} from "../../gen/killcord/v1/enforcement_pb.js";
import type { GrpcClient } from "../rpc/grpc-client.js";
import { statusOf } from "../rpc/grpc-client.js";

export type Said = MessageInitShape<typeof InterceptStreamRequestSchema>["message"];
export type Heard = InterceptStreamResponse["message"];

/** One stream. */
export class Talk {
  /** Everything that was heard, in its order. */
  readonly heard: Heard[] = [];
  readonly ended: Promise<StatusObject>;
  readonly #stream: ReturnType<GrpcClient["duplex"]>;
  #over = false;
  #looks = new Set<() => void>();

  constructor(client: GrpcClient, headers: Record<string, string> = {}) {
    this.#stream = client.duplex(EnforcementService.method.interceptStream, { headers }) as never;
    this.#stream.on("data", ({ message }: InterceptStreamResponse) => {
      this.heard.push(message);
      this.#look();
    });
    this.ended = statusOf(this.#stream).then((status) => {
      this.#over = true;
      this.#look();
      return status;
    });
  }

  say(message: Said): void {
    this.#stream.write(create(InterceptStreamRequestSchema, { message: message as never }) as never);
  }

  open(sessionId: string, more: { readonly policiesEvaluated?: boolean } = {}): void {
    this.say({ case: "open", value: { sessionId, ...more } });
  }

  ask(ref: number, more: { readonly idempotencyKey?: string; readonly actionType?: string } = {}): void {
    this.say({ case: "intercept", value: { ref, action: { actionType: "look", ...more } } });
  }

  /** The caller has said all. */
  close(): void {
    this.#stream.end();
  }

  cut(): void {
    this.#stream.cancel();
  }

  /** Stops to read, so that the windows fill. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** Resolves to the first message that was or will be heard and fits; throws when the stream ends without. */
  until<C extends Heard["case"]>(
    kind: C,
    fits: (value: Extract<Heard, { case: C }>["value"]) => boolean = () => true,
  ): Promise<Extract<Heard, { case: C }>["value"]> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.heard.find((each) => each.case === kind && fits(each.value as never));
        if (found !== undefined) {
          this.#looks.delete(look);
          resolve(found.value as never);
        } else if (this.#over) {
          this.#looks.delete(look);
          reject(new Error(`the stream ended without ${kind}: ${this.heard.map((each) => each.case)}`));
        }
      };
      this.#looks.add(look);
      look();
    });
  }

  /** Every message of one kind that was heard. */
  all<C extends Heard["case"]>(kind: C): Extract<Heard, { case: C }>["value"][] {
    return this.heard.flatMap((each) => (each.case === kind ? [each.value as never] : []));
  }

  #look(): void {
    for (const look of [...this.#looks]) {
      look();
    }
  }
}
