/** The routes of the REST surface: every method that has a google.api.http option and takes one message. */
import { type DescMethod, type DescService, getOption, hasOption } from "@bufbuild/protobuf";
import { http } from "../../gen/google/api/annotations_pb.js";
import { type Binding, compileRule } from "./rule.js";
import { checkShortNames } from "./shape.js";

/** A binding with the method that it calls. */
export interface Route extends Binding {
  readonly rpc: DescMethod;
}

/**
 * Compiles the routes of the services.
 *
 * @throws {Error} naming the method whose option or messages do not fit this surface
 */
export function compileRoutes(services: readonly DescService[]): Route[] {
  return services.flatMap((service) => service.methods).flatMap((method) => compileMethod(method));
}

function compileMethod(rpc: DescMethod): Route[] {
  const takes_one = rpc.methodKind === "unary" || rpc.methodKind === "server_streaming";
  if (!takes_one || !hasOption(rpc, http)) {
    return [];
  }
  try {
    checkShortNames(rpc.input);
    checkShortNames(rpc.output);
    return compileRule(getOption(rpc, http), rpc.input, rpc.output).map((binding) => ({ ...binding, rpc }));
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${rpc.parent.typeName}.${rpc.name}: ${what}`, { cause });
  }
}
