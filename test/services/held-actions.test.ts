import { create } from "@bufbuild/protobuf";
import { expect } from "chai";
import { EnforcementService, InterceptRequestSchema } from "../../gen/killcord/v1/enforcement_pb.js";
import type { Call } from "../../src/services/door.js";
import { openDoor } from "../../src/services/workspace.js";
import { newPlace, type Place } from "../engine/place.js";

describe("services: the text of an action", () => {
  let place: Place;
  beforeEach(async () => {
    place = await newPlace();
  });
  afterEach(() => place.remove());

  it("takes up room until the action is sealed, whatever becomes of its call", async () => {
    const { engine, vault, admin } = await place.start();
    const door = openDoor({ engine, vault });
    const { intercept } = EnforcementService.method;
    const share = door.room.enter(intercept);
    const call: Call = {
      principal: { key_id: admin.key_id as string, role: "admin" },
      request_id: "req_1",
      signal: new AbortController().signal,
      reply_headers: new Headers(),
      received_ms: performance.now(),
      share,
    };
    const request = create(InterceptRequestSchema, { actionType: "look", actionContent: "c".repeat(1_000) });
    const verdict = door.unary(intercept, request, call);
    share.leave();
    expect(door.room.taken).to.equal(1_000);
    await verdict;
    expect(door.room.taken).to.equal(0);
  });
});
