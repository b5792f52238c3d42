/** A service with a bidi call, made of messages that there are. */
import { create, createFileRegistry } from "@bufbuild/protobuf";
import type { GenService } from "@bufbuild/protobuf/codegenv2";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import {
  file_killcord_v1_session,
  type GetSessionRequestSchema,
  type GetSessionResponseSchema,
} from "../../gen/killcord/v1/session_pb.js";

interface Messages {
  input: typeof GetSessionRequestSchema;
  output: typeof GetSessionResponseSchema;
}

const messages = {
  inputType: ".killcord.v1.GetSessionRequest",
  outputType: ".killcord.v1.GetSessionResponse",
};

const file = create(FileDescriptorProtoSchema, {
  name: "probe.proto",
  package: "killcord.probe",
  syntax: "proto3",
  dependency: ["killcord/v1/session.proto"],
  service: [
    {
      name: "ProbeService",
      method: [{ name: "Talk", ...messages, clientStreaming: true, serverStreaming: true }],
    },
  ],
});

export const ProbeService = createFileRegistry(file, () => file_killcord_v1_session).getService(
  "killcord.probe.ProbeService",
) as unknown as GenService<{
  talk: Messages & { methodKind: "bidi_streaming" };
}>;
