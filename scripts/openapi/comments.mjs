/** What the protobuf files say in comments: generated code does not carry them, buf's image does. */
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

/** Field numbers of descriptor.proto, as they stand in the paths of source code locations. */
const of_file = { message: 4, enum: 5, service: 6 };
const of_message = { field: 2, nested: 3, enum: 4 };
const of_enum_or_service = { member: 2 };

/**
 * Reads an image.
 *
 * @param {Uint8Array} image a FileDescriptorSet with source code info
 * @returns {ReadonlyMap<string, string>} leading comments, in one line each, by full names:
 *   `killcord.v1.Session`, `killcord.v1.Session.label`, `killcord.v1.SessionService.GetSession`
 */
export function readComments(image) {
  const comments = new Map();
  for (const file of fromBinary(FileDescriptorSetSchema, image).file) {
    for (const { path, leadingComments } of file.sourceCodeInfo?.location ?? []) {
      const name = leadingComments === "" ? null : nameAt(file, path);
      if (name !== null) {
        comments.set(name, leadingComments.trim().replace(/\s*\n\s*/g, " "));
      }
    }
  }
  return comments;
}

function nameAt(file, [kind, index, ...rest]) {
  switch (kind) {
    case of_file.message:
      return nameInMessage(file.messageType[index], file.package, rest);
    case of_file.enum:
      return nameOfMember(file.enumType[index], "value", file.package, rest);
    case of_file.service:
      return nameOfMember(file.service[index], "method", file.package, rest);
    default:
      return null;
  }
}

function nameInMessage(message, parent, [kind, index, ...rest]) {
  const name = `${parent}.${message.name}`;
  switch (kind) {
    case undefined:
      return name;
    case of_message.field:
      return rest.length === 0 ? `${name}.${message.field[index].name}` : null;
    case of_message.nested:
      return nameInMessage(message.nestedType[index], name, rest);
    case of_message.enum:
      return nameOfMember(message.enumType[index], "value", name, rest);
    default:
      return null;
  }
}

function nameOfMember(owner, members, parent, [kind, index, ...rest]) {
  const name = `${parent}.${owner.name}`;
  if (kind === undefined) {
    return name;
  }
  return kind === of_enum_or_service.member && rest.length === 0
    ? `${name}.${owner[members][index].name}`
    : null;
}
