/**
 * The floor of bench/stream.ts, a process of its own: InterceptStream by connect-node, which answers each
 * intercept at once and decides, counts, signs and keeps nothing. Prints its port.
 */
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { create } from "@bufbuild/protobuf";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  EnforcementService,
  InterceptStreamResponseSchema,
  Verdict,
} from "../gen/killcord/v1/enforcement_pb.js";

const opened = create(InterceptStreamResponseSchema, { message: { case: "opened", value: {} } });
const allow = { decision: Verdict.ALLOW };

const server = createServer(
  connectNodeAdapter({
    routes: (router) =>
      router.rpc(EnforcementService.method.interceptStream, async function* (requests) {
        for await (const { message } of requests) {
          yield message.case === "intercept"
            ? create(InterceptStreamResponseSchema, {
                message: { case: "verdict", value: { ref: message.value.ref, verdict: allow } },
              })
            : opened;
        }
      }),
  }),
);
server.listen(0, "127.0.0.1", () => {
  console.log((server.address() as AddressInfo).port);
});
