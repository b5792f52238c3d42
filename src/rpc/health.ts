/** Whether the server is alive and takes commands; needs no key. */
import { setTimeout as delay } from "node:timers/promises";
import { create, type Message } from "@bufbuild/protobuf";
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  HealthCheckResponseSchema,
  Health as HealthService,
  HealthCheckResponse_ServingStatus as Status,
} from "../../gen/grpc/health/v1/health_pb.js";
import { limits } from "../limits.js";
import type { Door } from "../services/door.js";
import { KillcordError } from "../services/errors.js";
import type { HttpReply, HttpRequest } from "./http.js";
import type { Mount } from "./mount.js";

/** grpc.health.v1.Health over a door. */
export interface Health {
  /** @throws {KillcordError} route_not_found: there is no such service */
  check(service: string): HealthCheckResponse;
  /** The present state, then each change, until `signal` aborts. */
  watch(service: string, signal: AbortSignal): AsyncIterable<HealthCheckResponse>;
}

export function createHealth(door: Door): Health {
  const names = new Set(["", HealthService.typeName, ...door.services.map((each) => each.typeName)]);
  let watches = 0;

  const statusOf = (service: string): Status => {
    if (!names.has(service)) {
      return Status.SERVICE_UNKNOWN;
    }
    return door.ready() ? Status.SERVING : Status.NOT_SERVING;
  };

  return {
    check(service) {
      const status = statusOf(service);
      if (status === Status.SERVICE_UNKNOWN) {
        throw new KillcordError("route_not_found", "this server has no such service: ask without a name");
      }
      return create(HealthCheckResponseSchema, { status });
    },
    async *watch(service, signal) {
      if (watches >= limits.health_watches) {
        throw new KillcordError("overloaded", "too many watches of the health: ask with Check instead");
      }
      watches += 1;
      try {
        for (let told: Status | null = null; !signal.aborted; ) {
          const status = statusOf(service);
          if (status !== told) {
            told = status;
            yield create(HealthCheckResponseSchema, { status });
          }
          // An abort ends the wait; the loop's condition sees it.
          await delay(limits.health_check_ms, null, { signal, ref: false }).catch(() => {});
        }
      } finally {
        watches -= 1;
      }
    },
  };
}

/** Puts the health at its path, for everybody. */
export function healthMount(door: Door): Mount {
  const health = createHealth(door);
  const named = (request: Message) => (request as HealthCheckRequest).service;
  return {
    service: HealthService,
    keyed: false,
    calls: {
      unary: async (_method, request) => health.check(named(request)),
      serverStreaming: (_method, request, { call }) => health.watch(named(request), call.signal),
    },
  };
}

/** Answers GET /healthz, as long as the process answers at all, and GET /readyz. */
export function answerHealth(
  door: Door,
  path: "/healthz" | "/readyz",
  request: HttpRequest,
  reply: HttpReply,
): void {
  const readable = request.method === "GET" || request.method === "HEAD";
  const ok = readable && (path === "/healthz" || door.ready());
  reply.statusCode = !readable ? 405 : ok ? 200 : 503;
  if (!readable) {
    reply.setHeader("allow", "GET, HEAD");
  }
  const body = JSON.stringify({ ok });
  reply.setHeader("content-type", "application/json; charset=utf-8");
  reply.setHeader("cache-control", "no-store");
  reply.setHeader("content-length", Buffer.byteLength(body));
  if (request.method === "HEAD") {
    reply.end();
  } else {
    reply.end(body);
  }
}
