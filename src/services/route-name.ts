/** What a method is called in messages for people: its name, and its path for callers of plain HTTP. */
import { type DescMethod, getOption, hasOption } from "@bufbuild/protobuf";
import { http } from "../../gen/google/api/annotations_pb.js";

/** E.g. `KillSession (POST /v1/enforce/sessions/{session_id}/kill)`. */
export function routeName(method: DescMethod): string {
  const pattern = hasOption(method, http) ? getOption(method, http).pattern : undefined;
  if (pattern?.case === undefined || pattern.case === "custom") {
    return method.name;
  }
  return `${method.name} (${pattern.case.toUpperCase()} ${pattern.value})`;
}
