/** The pages beside the API: figures for Prometheus, and the description of the REST surface. */
import { VaultService } from "../../gen/killcord/v1/vault_pb.js";
import { limits } from "../limits.js";
import { policy_schema } from "../policies/schema.js";
import { test_schema } from "../policies/test-schema.js";
import type { Page } from "../rest/pages.js";
import { createRestHandler } from "../rest/transcoder.js";
import { openPort, type Port } from "../rpc/port.js";
import type { Log } from "../services/call-log.js";
import type { Door } from "../services/door.js";
import type { Metrics } from "../services/metrics.js";
import type { Address } from "./address.js";
import { packagedText } from "./packaged.js";

const metrics_path = "/metrics";

/** The pages of the server's own port. Figures are for those who may read the log. */
export function servedPages(metrics: Metrics): readonly Page[] {
  const openapi = packagedText("docs/openapi.json");
  const schema = (of: object) => ({
    like: null,
    read: async () => ({ content_type: "application/json; charset=utf-8", text: JSON.stringify(of) }),
  });
  return [
    { path: metrics_path, like: VaultService.method.listEntries, read: metrics.read },
    {
      path: "/openapi.json",
      like: null,
      read: async () => ({ content_type: "application/json; charset=utf-8", text: openapi }),
    },
    { path: "/policy.schema.json", ...schema(policy_schema) },
    { path: "/policy-test.schema.json", ...schema(test_schema) },
  ];
}

/**
 * Opens a port for figures alone, without a key: on a loopback address, as config.ts sees to.
 *
 * @throws {Error} whose message says why the address can't be had and what to do
 */
export async function openMetricsPort(
  { host, port }: Address,
  metrics: Metrics,
  door: Door,
  log: Log,
): Promise<Port> {
  const pages = [{ path: metrics_path, like: null, read: metrics.read }];
  const rest = createRestHandler({ ...door, services: [] }, log, {
    pages,
    countRefusal: metrics.countRefusal,
  });
  return openPort({
    host,
    port,
    handler: (request, reply) => void rest.handle(request, reply),
    bounds: limits,
  });
}
