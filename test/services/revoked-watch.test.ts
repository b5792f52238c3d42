import { create } from "@bufbuild/protobuf";
import { expect } from "chai";
import {
  SessionService,
  SessionStatus,
  WatchSessionsRequestSchema,
  type WatchSessionsResponse,
} from "../../gen/killcord/v1/session_pb.js";
import { Room } from "../../src/services/room.js";
import { openDoor } from "../../src/services/workspace.js";
import { register, revokeCredential, start } from "../engine/asked.js";
import { newPlace, type Place } from "../engine/place.js";

const method = SessionService.method.watchSessions;

describe("a watch with a revoked credential", () => {
  let place: Place;
  beforeEach(async () => {
    place = await newPlace();
  });
  afterEach(() => place.remove());

  it("may be opened while its stop is on the way to the log, and tells it", async () => {
    const running = await place.start();
    const { engine, admin } = running;
    await engine.submit(register(admin, "a1"));
    const key_id = engine.state.agents.get("a1")?.credential_id ?? expect.fail("it has one");
    const agent = { key_id, role: "agent" } as const;
    await engine.submit(start(agent, "s1", { agent_id: null, ttl_seconds: 3600 }));

    // Bound already, and not sealed.
    const revoked = engine.submit(revokeCredential(admin, key_id));
    const call = {
      principal: agent,
      request_id: "req_1",
      signal: new AbortController().signal,
      reply_headers: new Headers(),
      received_ms: 0,
      share: new Room().enter(method),
    };
    const request = create(WatchSessionsRequestSchema, { sessionIds: ["s1"] });
    const told: WatchSessionsResponse[] = [];
    for await (const message of openDoor(running).stream(method, request, call)) {
      told.push(message as WatchSessionsResponse);
    }
    await revoked;
    const states = told.flatMap(({ update }) => (update.case === "session" ? [update.value.status] : []));
    expect(states.at(-1)).to.equal(SessionStatus.KILLED);
  });
});
