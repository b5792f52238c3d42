/** The server of a campaign with the proxy before it: it is killed, drained and started again. */
import { setTimeout as pause } from "node:timers/promises";
import { VaultService } from "../../gen/killcord/v1/vault_pb.js";
import { openGrpcClient } from "../rpc/grpc-client.js";
import { type Served, serve } from "../server/served.js";
import { CuttingProxy } from "./cutting-proxy.js";
import type { SealedLog } from "./sealed.js";

/** What a call was answered. */
export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

const quiet = ["--log-level", "silent"];

export class World {
  readonly proxy: CuttingProxy;
  readonly admin_key: string;
  readonly #flags: readonly string[];
  #server: Served;
  /** Resolves when a restart that is under way is over. */
  #restarting: Promise<void> = Promise.resolve();

  private constructor(server: Served, proxy: CuttingProxy, flags: readonly string[]) {
    this.#flags = flags;
    this.#server = server;
    this.proxy = proxy;
    this.admin_key = server.admin_key;
    proxy.aim(Number(new URL(server.url).port));
  }

  /** @param more flags of the server */
  static async open(more: readonly string[] = []): Promise<World> {
    const flags = [...quiet, ...more];
    return new World(await serve({ flags }), await CuttingProxy.open(), flags);
  }

  get data(): string {
    return this.#server.data;
  }

  /** Resolves when the server is there. */
  up(): Promise<void> {
    return this.#restarting;
  }

  /** One restart after the other. */
  restart(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    this.#restarting = this.#restarting.then(async () => {
      const { data } = this.#server;
      const ended = this.#server.end(signal);
      if (signal === "SIGKILL") {
        this.proxy.aim(null);
      }
      const status = await ended;
      if (signal === "SIGTERM" && status !== 0) {
        throw new Error(`the server ended with ${status} after SIGTERM`);
      }
      this.proxy.aim(null);
      this.#server = await serve({ data, flags: this.#flags });
      this.proxy.aim(Number(new URL(this.#server.url).port));
    });
    return this.#restarting;
  }

  /**
   * Calls a method of REST, past the proxy, until it is answered; a repeat is recognised by its key.
   */
  async call(path: string, body: object, key = this.admin_key, idempotency_key?: string): Promise<Answer> {
    for (;;) {
      await this.up();
      try {
        const reply = await fetch(this.#server.url + path, {
          method: "POST",
          headers: {
            "x-api-key": key,
            ...(idempotency_key === undefined ? {} : { "idempotency-key": idempotency_key }),
          },
          body: JSON.stringify(body),
        });
        const answer = { status: reply.status, body: (await reply.json()) as Answer["body"] };
        if (answer.status !== 503 && answer.status !== 429) {
          return answer;
        }
      } catch {
        // It has gone with the call under way: what became of that, the repeat tells.
      }
      await pause(5);
    }
  }

  /** Reads what was sealed since. */
  async read(log: SealedLog): Promise<void> {
    const client = openGrpcClient(this.#server.address, { "x-api-key": this.admin_key });
    try {
      for (let entries = 1; entries > 0; ) {
        const from = { fromSequence: BigInt(log.size), pageSize: 500 };
        const { message, status } = await client.unary(VaultService.method.listEntries, from);
        if (message === null) {
          throw new Error(`the log cannot be read: ${status.details}`);
        }
        for (const { content } of message.entries) {
          log.take(JSON.parse(content));
        }
        entries = message.entries.length;
      }
    } finally {
      client.close();
    }
  }

  async close(): Promise<void> {
    await this.#restarting.catch(() => {});
    await this.proxy.close();
    await this.#server.end();
  }
}
