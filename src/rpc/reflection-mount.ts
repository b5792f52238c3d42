/** Puts reflection at its two paths, for everybody: the present one, and the one that older clients ask. */
import { type DescMessage, type DescService, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import {
  ServerReflection,
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from "../../gen/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection as ServerReflectionAlpha } from "../../gen/grpc/reflection/v1alpha/reflection_pb.js";
import { limits } from "../limits.js";
import { KillcordError } from "../services/errors.js";
import { within } from "./follow.js";
import type { Mount, Pass } from "./mount.js";
import { createReflect } from "./reflection.js";

/** Reflection over services, and over itself. */
export function reflectionMounts(services: readonly DescService[]): readonly Mount[] {
  const both = [ServerReflection, ServerReflectionAlpha];
  const reflect = createReflect([...services, ...both]);
  let streams = 0;

  async function* answers(requests: AsyncIterable<Message>, pass: Pass, io: Form): AsyncGenerator<Message> {
    if (streams >= limits.reflection_streams) {
      throw new KillcordError("overloaded", "too many clients ask for reflection: retry");
    }
    streams += 1;
    try {
      const sent = new Set<string>();
      const asked = requests[Symbol.asyncIterator]();
      // A server that drains waits for no more questions.
      for (;;) {
        const step = await within(asked.next(), pass.call.signal);
        if (step.done === true) {
          return;
        }
        yield io.write(reflect(io.read(step.value), sent));
      }
    } finally {
      streams -= 1;
    }
  }

  return both.map((service) => ({
    service,
    keyed: false,
    message_bytes_max: limits.keyless_body_bytes,
    calls: {
      bidiStreaming: (method, requests, pass) => answers(requests, pass, formOf(method.input, method.output)),
    },
  }));
}

/** Messages of one version as those of the other: they differ in the name of their package alone. */
interface Form {
  read(request: Message): ServerReflectionRequest;
  write(response: Message): Message;
}

function formOf(input: DescMessage, output: DescMessage): Form {
  return {
    read: (request) => translated(request, input, ServerReflectionRequestSchema) as ServerReflectionRequest,
    write: (response) => translated(response, ServerReflectionResponseSchema, output),
  };
}

function translated(message: Message, from: DescMessage, to: DescMessage): Message {
  return from === to ? message : fromBinary(to, toBinary(from, message));
}
