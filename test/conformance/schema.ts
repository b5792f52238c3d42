/** The messages and the service of the conformance suite, from descriptors made when it runs. */
import { readFileSync } from "node:fs";
import {
  create,
  createFileRegistry,
  type DescMessage,
  type DescService,
  type FileRegistry,
  fromBinary,
  type Message,
  toBinary,
} from "@bufbuild/protobuf";
import { type Any, AnySchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

const package_name = "connectrpc.conformance.v1";

/** A message whose fields are known by name alone. */
export type Fields = Message & Readonly<Record<string, unknown>>;

/** What the descriptors hold. */
export interface Schema {
  readonly registry: FileRegistry;
  readonly service: DescService;
  /** A message by its name within the package, made of some of its fields. */
  make(name: string, fields: Readonly<Record<string, unknown>>): Fields;
  read(name: string, bytes: Uint8Array): Fields;
  write(message: Fields): Uint8Array;
  pack(message: Message): Any;
}

/** Reads a file descriptor set, as `buf build` writes it. */
export function readSchema(file: string): Schema {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(file)));
  const service = registry.getService(`${package_name}.ConformanceService`);
  if (service === undefined) {
    throw new Error(`${file} does not hold the conformance suite's service`);
  }
  const named = (type_name: string): DescMessage => {
    const message = registry.getMessage(type_name);
    if (message === undefined) {
      throw new Error(`${file} does not hold ${type_name}`);
    }
    return message;
  };
  const write = (message: Message) => toBinary(named(message.$typeName), message);
  return {
    registry,
    service,
    make: (name, fields) => create(named(`${package_name}.${name}`), fields) as Fields,
    read: (name, bytes) => fromBinary(named(`${package_name}.${name}`), bytes) as Fields,
    write,
    pack: (message) =>
      create(AnySchema, { typeUrl: `type.googleapis.com/${message.$typeName}`, value: write(message) }),
  };
}
