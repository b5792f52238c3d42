/**
 * grpc.reflection over the services that are mounted: what files, services and extensions there are,
 * from the generated descriptors. A question without an answer is no error of the stream.
 */
import {
  create,
  type DescExtension,
  type DescFile,
  type DescService,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { file_google_rpc_error_details } from "../../gen/google/rpc/error_details_pb.js";
import {
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from "../../gen/grpc/reflection/v1/reflection_pb.js";

/** Answers one question; `sent` are the names of the files that its stream has had, and is added to. */
export type Reflect = (request: ServerReflectionRequest, sent: Set<string>) => ServerReflectionResponse;

type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"]>;

/** Everything that can be asked for. */
interface Catalogue {
  readonly files: ReadonlyMap<string, DescFile>;
  /** The file that declares each name: of a type, a member of one, a service, a method, an extension. */
  readonly by_symbol: ReadonlyMap<string, DescFile>;
  readonly extensions: readonly DescExtension[];
}

/**
 * Makes the answering function for services, and for all files that these need; and for the types in
 * which errors carry their details, so that clients can read those too.
 */
export function createReflect(services: readonly DescService[]): Reflect {
  const names = services.map(({ typeName }) => typeName).sort();
  const bytes = new Map<DescFile, Uint8Array>();
  let catalogue: Catalogue | null = null;

  const binary = (file: DescFile): Uint8Array => {
    const known = bytes.get(file) ?? toBinary(FileDescriptorProtoSchema, file.proto);
    bytes.set(file, known);
    return known;
  };
  const filesOf = (file: DescFile | undefined, what: string, sent: Set<string>): Answer => {
    if (file === undefined) {
      return error(Code.NotFound, `this server has no ${what}`);
    }
    const wanted = [...withDependencies(file)].filter((each) => each === file || !sent.has(each.proto.name));
    for (const each of wanted) {
      sent.add(each.proto.name);
    }
    return { case: "fileDescriptorResponse", value: { fileDescriptorProto: wanted.map(binary) } };
  };

  const answer = (asked: ServerReflectionRequest["messageRequest"], sent: Set<string>): Answer => {
    // Made when somebody asks: most servers are never asked.
    catalogue ??= catalogueOf(services);
    const { files, by_symbol, extensions } = catalogue;
    switch (asked.case) {
      case "listServices":
        return { case: "listServicesResponse", value: { service: names.map((name) => ({ name })) } };
      case "fileByFilename":
        return filesOf(files.get(asked.value), "file of that name", sent);
      case "fileContainingSymbol":
        return filesOf(by_symbol.get(asked.value.replace(/^\./, "")), "symbol of that name", sent);
      case "fileContainingExtension": {
        const { containingType, extensionNumber } = asked.value;
        const found = extensions.find(
          ({ extendee, number }) => extendee.typeName === containingType && number === extensionNumber,
        );
        return filesOf(found?.file, "extension of that number", sent);
      }
      case "allExtensionNumbersOfType": {
        const of = extensions.filter(({ extendee }) => extendee.typeName === asked.value);
        const extensionNumber = of.map(({ number }) => number).sort((a, b) => a - b);
        return by_symbol.has(asked.value)
          ? { case: "allExtensionNumbersResponse", value: { baseTypeName: asked.value, extensionNumber } }
          : error(Code.NotFound, "this server has no message of that name");
      }
      case undefined:
        return error(Code.InvalidArgument, "nothing was asked that this server understands");
    }
  };

  return (request, sent) =>
    create(ServerReflectionResponseSchema, {
      validHost: request.host,
      originalRequest: request,
      messageResponse: answer(request.messageRequest, sent),
    });
}

function error(errorCode: Code, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}

function catalogueOf(services: readonly DescService[]): Catalogue {
  const files = new Map<string, DescFile>();
  for (const file of [...services.map((service) => service.file), file_google_rpc_error_details]) {
    for (const each of withDependencies(file)) {
      files.set(each.proto.name, each);
    }
  }
  const by_symbol = new Map<string, DescFile>();
  const extensions: DescExtension[] = [];
  for (const file of files.values()) {
    for (const type of nestedTypes(file)) {
      by_symbol.set(type.typeName, file);
      for (const member of membersOf(type)) {
        by_symbol.set(member, file);
      }
      if (type.kind === "extension") {
        extensions.push(type);
      }
    }
  }
  return { files, by_symbol, extensions };
}

function membersOf(
  type: ReturnType<typeof nestedTypes> extends Iterable<infer Type> ? Type : never,
): string[] {
  switch (type.kind) {
    case "message":
      return [...type.fields, ...type.oneofs].map(({ name }) => `${type.typeName}.${name}`);
    case "service":
      return type.methods.map(({ name }) => `${type.typeName}.${name}`);
    case "enum": {
      // The names of an enum's values stand beside it, not in it.
      const scope = type.typeName.slice(0, -type.name.length);
      return type.values.map(({ name }) => scope + name);
    }
    case "extension":
      return [];
  }
}

/** A file, then every file that it needs. */
function withDependencies(file: DescFile, found: Set<DescFile> = new Set()): ReadonlySet<DescFile> {
  if (!found.has(file)) {
    found.add(file);
    for (const each of file.dependencies) {
      withDependencies(each, found);
    }
  }
  return found;
}
