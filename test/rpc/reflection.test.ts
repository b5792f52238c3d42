import {
  create,
  createFileRegistry,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import {
  ServerReflection,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
} from "../../gen/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection as ServerReflectionAlpha } from "../../gen/grpc/reflection/v1alpha/reflection_pb.js";
import { EnforcementService } from "../../gen/killcord/v1/enforcement_pb.js";
import { SessionService } from "../../gen/killcord/v1/session_pb.js";
import { createReflect } from "../../src/rpc/reflection.js";
import { type GrpcClient, openGrpcClient, statusOf } from "./grpc-client.js";
import { type Running, start } from "./running.js";

type Question = NonNullable<MessageInitShape<typeof ServerReflectionRequestSchema>["messageRequest"]>;

describe("rpc: reflection, what is answered", () => {
  const reflect = createReflect([SessionService, EnforcementService]);

  function ask(question: Question | undefined, sent: Set<string> = new Set()): ServerReflectionResponse {
    const request = create(ServerReflectionRequestSchema, {
      host: "h",
      ...(question === undefined ? {} : { messageRequest: question }),
    });
    const response = reflect(request, sent);
    expect(response.validHost).to.equal("h");
    expect(response.originalRequest).to.deep.equal(request);
    return response;
  }

  function files(question: Question, sent?: Set<string>): readonly string[] {
    const { messageResponse } = ask(question, sent);
    expect(messageResponse.case).to.equal("fileDescriptorResponse");
    const bytes =
      messageResponse.case === "fileDescriptorResponse" ? messageResponse.value.fileDescriptorProto : [];
    return bytes.map((each) => fromBinary(FileDescriptorProtoSchema, each).name);
  }

  function errorCode(question: Question | undefined): number | undefined {
    const { messageResponse } = ask(question);
    return messageResponse.case === "errorResponse" ? messageResponse.value.errorCode : undefined;
  }

  it("the services, by their full names", () => {
    const { messageResponse } = ask({ case: "listServices", value: "*" });
    const { service = [] } = messageResponse.case === "listServicesResponse" ? messageResponse.value : {};
    expect(service.map(({ name }) => name)).to.deep.equal([
      "killcord.v1.EnforcementService",
      "killcord.v1.SessionService",
    ]);
  });

  it("a file with all that it needs, from which a client builds every type", () => {
    const { messageResponse } = ask({ case: "fileByFilename", value: "killcord/v1/enforcement.proto" });
    const bytes =
      messageResponse.case === "fileDescriptorResponse" ? messageResponse.value.fileDescriptorProto : [];
    const file = bytes.map((each) => fromBinary(FileDescriptorProtoSchema, each));
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: needsFirst(file) }));
    expect(
      registry.getService("killcord.v1.EnforcementService")?.methods.map(({ name }) => name),
    ).to.deep.equal(EnforcementService.methods.map(({ name }) => name));
    expect(file.map(({ name }) => name)).to.include.members([
      "buf/validate/validate.proto",
      "google/protobuf/struct.proto",
    ]);
  });

  it("the file of a service, a method, a message, a field, an enum, a value, an extension", () => {
    const of_session = [
      "killcord.v1.SessionService",
      "killcord.v1.SessionService.GetSession",
      "killcord.v1.Session",
      ".killcord.v1.Session",
      "killcord.v1.Session.label",
      "killcord.v1.SessionStatus",
      "killcord.v1.SESSION_STATUS_ACTIVE",
      "killcord.v1.WatchSessionResponse.update",
    ];
    for (const value of of_session) {
      expect(files({ case: "fileContainingSymbol", value })[0], value).to.equal("killcord/v1/session.proto");
    }
    const http = files({ case: "fileContainingSymbol", value: "google.api.http" });
    expect(http[0]).to.equal("google/api/annotations.proto");
  });

  it("the file of an extension, and the numbers of all extensions of a message", () => {
    const extendee = "google.protobuf.MethodOptions";
    const extension = { containingType: extendee, extensionNumber: 72_295_728 };
    expect(files({ case: "fileContainingExtension", value: extension })[0]).to.equal(
      "google/api/annotations.proto",
    );
    const { messageResponse } = ask({ case: "allExtensionNumbersOfType", value: extendee });
    expect(messageResponse.case === "allExtensionNumbersResponse" && messageResponse.value).to.deep.include({
      baseTypeName: extendee,
      extensionNumber: [72_295_728],
    });
  });

  it("a file is sent once a stream, but always when it is asked for", () => {
    const sent = new Set<string>();
    const first = files({ case: "fileByFilename", value: "killcord/v1/session.proto" }, sent);
    expect(first.length).to.be.above(1);
    expect(files({ case: "fileByFilename", value: "killcord/v1/session.proto" }, sent)).to.deep.equal([
      "killcord/v1/session.proto",
    ]);
    expect(files({ case: "fileByFilename", value: "killcord/v1/enforcement.proto" }, sent)).to.not.include(
      "killcord/v1/session.proto",
    );
  });

  it("what is not there, and nothing, is answered with an error", () => {
    expect(errorCode({ case: "fileByFilename", value: "x.proto" })).to.equal(Code.NotFound);
    expect(errorCode({ case: "fileContainingSymbol", value: "killcord.v1.Nothing" })).to.equal(Code.NotFound);
    expect(errorCode({ case: "fileContainingSymbol", value: "" })).to.equal(Code.NotFound);
    expect(errorCode({ case: "allExtensionNumbersOfType", value: "x.Y" })).to.equal(Code.NotFound);
    const extension = { containingType: "google.protobuf.MethodOptions", extensionNumber: 1 };
    expect(errorCode({ case: "fileContainingExtension", value: extension })).to.equal(Code.NotFound);
    expect(errorCode(undefined)).to.equal(Code.InvalidArgument);
  });
});

describe("rpc: reflection over the wire, without a key", () => {
  /** Both versions look alike from here. */
  function ask(
    stream: { write(message: never): boolean },
    messageRequest: Question,
    input: DescMessage = ServerReflectionRequestSchema,
  ): void {
    stream.write(create(input, { messageRequest } as never) as never);
  }

  let server: Running;
  let client: GrpcClient;
  afterEach(async () => {
    client.close();
    await server.close();
  });

  for (const service of [ServerReflection, ServerReflectionAlpha]) {
    it(`${service.typeName} answers each question, and ends when there are no more`, async () => {
      server = await start();
      client = openGrpcClient(`127.0.0.1:${server.port}`);
      const stream = client.duplex(
        service.method.serverReflectionInfo as typeof ServerReflection.method.serverReflectionInfo,
      );
      const answers: ServerReflectionResponse[] = [];
      stream.on("data", (answer) => answers.push(answer as ServerReflectionResponse));
      const ended = statusOf(stream);
      ask(stream, { case: "listServices", value: "" }, service.method.serverReflectionInfo.input);
      ask(
        stream,
        { case: "fileContainingSymbol", value: "killcord.v1.Nothing" },
        service.method.serverReflectionInfo.input,
      );
      ask(
        stream,
        { case: "fileContainingSymbol", value: service.typeName },
        service.method.serverReflectionInfo.input,
      );
      stream.end();
      expect((await ended).code).to.equal(0);
      expect(answers.map(({ messageResponse }) => messageResponse.case)).to.deep.equal([
        "listServicesResponse",
        "errorResponse",
        "fileDescriptorResponse",
      ]);
      const [{ messageResponse } = { messageResponse: undefined }] = answers;
      const listed = messageResponse?.case === "listServicesResponse" ? messageResponse.value.service : [];
      // The door's own are the test's affair.
      expect(listed.map(({ name }) => name)).to.include.members([
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "killcord.v1.EnforcementService",
        "killcord.v1.SessionService",
      ]);
    });
  }

  it("a server that drains waits for no more questions", async () => {
    server = await start();
    client = openGrpcClient(`127.0.0.1:${server.port}`);
    const stream = client.duplex(ServerReflection.method.serverReflectionInfo);
    const ended = statusOf(stream);
    ask(stream, { case: "listServices", value: "" });
    await new Promise((resolve) => stream.once("data", resolve));
    await Promise.all([server.close(1000), ended]);
    expect((await ended).code).to.equal(Code.Unavailable);
  });

  it("is not there when it is switched off", async () => {
    server = await start({}, { reflection: false });
    client = openGrpcClient(`127.0.0.1:${server.port}`);
    const stream = client.duplex(ServerReflection.method.serverReflectionInfo);
    stream.resume();
    const ended = statusOf(stream);
    stream.end();
    expect((await ended).code).to.equal(Code.Unimplemented);
  });
});

/** Files in an order in which each comes after those that it needs. */
function needsFirst(files: readonly FileDescriptorProto[]): FileDescriptorProto[] {
  const ordered: FileDescriptorProto[] = [];
  const add = (file: FileDescriptorProto): void => {
    for (const name of file.dependency) {
      const needed = files.find((each) => each.name === name);
      expect(needed, `${name}, which ${file.name} needs`).to.not.equal(undefined);
      add(needed as FileDescriptorProto);
    }
    if (!ordered.includes(file)) {
      ordered.push(file);
    }
  };
  for (const file of files) {
    add(file);
  }
  return ordered;
}
