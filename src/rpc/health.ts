/** Whether the server is alive and takes commands; needs no key. */
import { setTimeout as delay } from "node:timers/promises";
import { create, type Message } from "@bufbuild/protobuf";
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  HealthCheckResponseSchema,
  type HealthListResponse,
  HealthListResponseSchema,
  Health as HealthService,
  HealthCheckResponse_ServingStatus as Status,
} from "../../gen/grpc/health/v1/health_pb.js";
import { limits } from "../limits.js";
import type { Door, Reason, Warning } from "../services/door.js";
import { KillcordError } from "../services/errors.js";
import type { HttpReply, HttpRequest } from "./http.js";
import type { Mount } from "./mount.js";

/** grpc.health.v1.Health over a door. */
export interface Health {
  /** @throws {KillcordError} route_not_found: there is no such service */
  check(service: string): HealthCheckResponse;
  /** The state of each service, and under the empty name that of the server. */
  list(): HealthListResponse;
  /** The present state, then each change; when `signal` aborts, a last one if there is any. */
  watch(service: string, signal: AbortSignal): AsyncIterable<HealthCheckResponse>;
}

export function createHealth({ services, unready }: Pick<Door, "services" | "unready">): Health {
  const names = new Set(["", HealthService.typeName, ...services.map((each) => each.typeName)]);
  let watches = 0;

  const statusOf = (service: string): Status => {
    if (!names.has(service)) {
      return Status.SERVICE_UNKNOWN;
    }
    return unready().length === 0 ? Status.SERVING : Status.NOT_SERVING;
  };

  return {
    check(service) {
      const status = statusOf(service);
      if (status === Status.SERVICE_UNKNOWN) {
        throw new KillcordError("route_not_found", "this server has no such service: ask without a name");
      }
      return create(HealthCheckResponseSchema, { status });
    },
    list() {
      const statuses = Object.fromEntries([...names].map((name) => [name, { status: statusOf(name) }]));
      return create(HealthListResponseSchema, { statuses });
    },
    async *watch(service, signal) {
      if (watches >= limits.health_watches) {
        throw new KillcordError("overloaded", "too many watches of the health: ask with Check instead");
      }
      watches += 1;
      try {
        for (let told: Status | null = null; ; ) {
          const status = statusOf(service);
          if (status !== told) {
            told = status;
            yield create(HealthCheckResponseSchema, { status });
          } else if (signal.aborted) {
            return;
          } else {
            // An abort ends the wait: a server that drains says so before the stream ends.
            await delay(limits.health_check_ms, null, { signal, ref: false }).catch(() => {});
          }
        }
      } finally {
        watches -= 1;
      }
    },
  };
}

/** Puts the health at its path, for everybody. */
export function healthMount(door: Pick<Door, "services" | "unready">): Mount {
  const health = createHealth(door);
  const named = (request: Message) => (request as HealthCheckRequest).service;
  return {
    service: HealthService,
    keyed: false,
    message_bytes_max: limits.keyless_body_bytes,
    calls: {
      unary: async (method, request) =>
        method === HealthService.method.list ? health.list() : health.check(named(request)),
      serverStreaming: (_method, request, { call }) => health.watch(named(request), call.signal),
    },
  };
}

/** How the server is, asked each time. */
export interface Condition {
  /** Every reason why commands are not taken. */
  readonly unready: () => readonly Reason[];
  /** What somebody should see to all the same. */
  readonly warnings?: (() => readonly Warning[]) | undefined;
}

/**
 * Answers GET /healthz, as long as the process answers at all, and GET /readyz with every reason
 * why commands are not taken.
 */
export function answerHealth(
  { unready, warnings = () => [] }: Condition,
  path: "/healthz" | "/readyz",
  request: HttpRequest,
  reply: HttpReply,
): void {
  const readable = request.method === "GET" || request.method === "HEAD";
  const reasons = path === "/healthz" ? [] : unready();
  const ok = readable && reasons.length === 0;
  reply.statusCode = readable ? (ok ? 200 : 503) : 405;
  if (!readable) {
    reply.setHeader("allow", "GET, HEAD");
  }
  const warned = path === "/healthz" ? [] : warnings();
  const more = warned.length === 0 ? {} : { warnings: warned };
  const body = JSON.stringify(path === "/healthz" ? { ok } : { ok, reasons, ...more });
  reply.setHeader("content-type", "application/json; charset=utf-8");
  reply.setHeader("cache-control", "no-store");
  reply.setHeader("content-length", Buffer.byteLength(body));
  if (request.method === "HEAD") {
    reply.end();
  } else {
    reply.end(body);
  }
}
