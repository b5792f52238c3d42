/**
 * Reads the details of a gRPC error out of its trailer `grpc-status-details-bin`, as any client of
 * another make would: google.rpc.Status {1: code, 2: message, 3: repeated google.protobuf.Any}.
 */
import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { type Any, AnySchema, anyUnpack } from "@bufbuild/protobuf/wkt";
import type { Metadata } from "@grpc/grpc-js";
import { type ErrorInfo, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.js";

/** What the trailer says beside the code and the text of the status itself. */
export interface StatusDetails {
  readonly code: number;
  readonly message: string;
  readonly details: readonly Any[];
}

/** The trailer read, or null without one. */
export function statusDetails(metadata: Metadata): StatusDetails | null {
  const [bytes] = metadata.get("grpc-status-details-bin");
  if (!(bytes instanceof Uint8Array)) {
    return null;
  }
  const reader = new BinaryReader(bytes);
  const found = { code: 0, message: "", details: [] as Any[] };
  while (reader.pos < reader.len) {
    const [number, wire_type] = reader.tag();
    if (number === 1) {
      found.code = reader.int32();
    } else if (number === 2) {
      found.message = reader.string();
    } else if (number === 3 && wire_type === WireType.LengthDelimited) {
      found.details.push(fromBinary(AnySchema, reader.bytes()));
    } else {
      reader.skip(wire_type, number);
    }
  }
  return found;
}

/** The details of one type. */
export function detailsOf<Desc extends DescMessage>(metadata: Metadata, schema: Desc): MessageShape<Desc>[] {
  const details = statusDetails(metadata)?.details ?? [];
  return details.flatMap((any) => anyUnpack(any, schema) ?? []);
}

/** The ErrorInfo of an error, or undefined. */
export function errorInfo(metadata: Metadata): ErrorInfo | undefined {
  return detailsOf(metadata, ErrorInfoSchema)[0];
}
