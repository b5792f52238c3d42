import { create, createFileRegistry, type DescMessage } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import { SessionService } from "../../gen/killcord/v1/session_pb.js";
import { compileRoutes } from "../../src/rest/routes.js";
import { checkShortNames, enumNumber, enumShortName } from "../../src/rest/shape.js";
import { createRestHandler } from "../../src/rest/transcoder.js";
import { createTestDoor, services } from "./serve.js";

describe("the routes of the product", () => {
  it("are those of the methods with an http option that take one message", () => {
    const routes = compileRoutes(services).map(({ method, template, rpc }) => {
      const path = template.segments.join("/");
      return `${method} /${path} ${rpc.name}`;
    });
    expect(routes).to.include.members([
      "POST /v1/enforce/sessions/start StartSession",
      "GET /v1/enforce/sessions/* GetSession",
      "POST /v1/enforce/intercept Intercept",
      "POST /v1/enforce/batch InterceptBatch",
      "POST /v1/enforce/credentials/*/revoke RevokeCredential",
    ]);
    expect(routes.filter((route) => /Watch|Export/.test(route))).to.deep.equal([
      "GET /v1/enforce/sessions/*/watch WatchSession",
      "GET /v1/enforce/sessions WatchSessions",
      "GET /v1/vault/entries WatchEntries",
    ]);
  });

  it("are refused at start when two are the same", () => {
    const door = { ...createTestDoor(), services: [SessionService, SessionService] };
    expect(() =>
      createRestHandler(door, { debug: () => undefined, info: () => undefined, error: () => undefined }),
    ).to.throw("duplicate_route: POST /v1/enforce/sessions/start");
  });

  it("are refused at start when an option does not fit, naming the method", () => {
    const compile = (service: object) => compileRoutes([service as typeof SessionService]);
    const rerouted = {
      ...SessionService.method.killSession,
      input: SessionService.method.listSessions.input,
    };
    expect(() => compile({ ...SessionService, methods: [rerouted] })).to.throw(
      "killcord.v1.SessionService.KillSession: unknown_field: session_id",
    );
  });
});

describe("short names of enum values", () => {
  const message = (values: string[]): DescMessage => {
    const file = create(FileDescriptorProtoSchema, {
      name: "t.proto",
      syntax: "proto3",
      messageType: [
        {
          name: "M",
          field: [{ name: "level", number: 1, type: FieldDescriptorProto_Type.ENUM, typeName: ".Level" }],
        },
      ],
      enumType: [{ name: "Level", value: values.map((name, number) => ({ name, number })) }],
    });
    const found = createFileRegistry(create(FileDescriptorSetSchema, { file: [file] })).getMessage("M");
    if (found === undefined) {
      throw new Error("no message");
    }
    return found;
  };

  it("drop the type's prefix; two that are then the same are refused", () => {
    const good = message(["LEVEL_UNSPECIFIED", "LEVEL_VERY_HIGH"]);
    checkShortNames(good);
    const level = good.fields[0]?.enum;
    expect(
      level && [enumShortName(level, 1), enumNumber(level, "very_high"), enumNumber(level, "VERY_HIGH")],
    ).to.deep.equal(["very_high", 1, undefined]);
    expect(() => checkShortNames(message(["LEVEL_UNSPECIFIED", "LEVEL_High", "LEVEL_HIGH"]))).to.throw(
      "enum Level: two values are both called high",
    );
  });
});
