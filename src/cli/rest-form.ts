/** What --json prints of a reply: the very JSON that its REST route answers (rest-api.md, 1). */
import { type DescMethod, getOption, hasOption, type Message } from "@bufbuild/protobuf";
import { http } from "../../gen/google/api/annotations_pb.js";
import { reshape } from "../rest/compat.js";
import { writeReply } from "../rest/write.js";

/** The reply of a method, or one message of its stream: `ok` first, and what response_body names on top. */
export function restReply(method: DescMethod, reply: Message): object {
  const body = hasOption(method, http) ? getOption(method, http).responseBody : "";
  const field = method.output.fields.find(({ name }) => name === body) ?? null;
  const form = writeReply(reply, method.output, field, reshape);
  return typeof form === "object" && form !== null ? form : { ok: true, value: form };
}
