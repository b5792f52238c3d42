/** Routes as operations: parameters, bodies and replies. */

import { messageKind } from "../../dist/src/rest/shape.js";
import { accessTo } from "../../dist/src/services/roles.js";
import { requiredFields } from "./constraints.mjs";

/** The path item of a route, as [path, method, operation]. */
export function operationOf(route, schemas) {
  const { rpc } = route;
  const comment = schemas.comment(`${rpc.parent.typeName}.${rpc.name}`);
  const roles = accessTo(rpc)?.roles ?? [];
  const in_path = new Set(route.variables.map((fields) => nameOf(fields)));
  const body = bodyOf(route, in_path, schemas);
  return [
    route.path.replace(/\{([^}=]+)=[^}]*\}/g, "{$1}"),
    route.method.toLowerCase(),
    {
      operationId: `${rpc.parent.name}_${rpc.name}`,
      tags: [rpc.parent.name],
      summary: firstSentence(comment),
      description: `${comment}\n\nKeys with one of these roles may call it: ${roles.join(", ")}.`,
      parameters: parametersOf(route, in_path, schemas),
      ...(body === null ? {} : { requestBody: body }),
      responses: { 200: replyOf(route, schemas), default: { $ref: "#/components/responses/Error" } },
    },
  ];
}

function parametersOf(route, in_path, schemas) {
  const { rpc, variables, body } = route;
  const parameters = [
    ...variables.map((fields) => parameter("path", nameOf(fields), fields.at(-1), true, schemas)),
    ...(body === "none" ? queryOf(rpc.input, in_path, schemas) : []),
  ];
  if (rpc.input.fields.some(({ name }) => name === "idempotency_key")) {
    parameters.push({ $ref: "#/components/parameters/IdempotencyKey" });
  }
  return [...parameters, { $ref: "#/components/parameters/RequestId" }];
}

/** Every leaf that the path does not set, through single messages. */
function queryOf(message, in_path, schemas, prefix = "") {
  const required = requiredFields(message);
  return message.fields.flatMap((field) => {
    const name = prefix + field.name;
    const is_object = field.message !== undefined && messageKind(field.message) === "object";
    if (in_path.has(name) || name === "idempotency_key" || field.fieldKind === "map") {
      return [];
    }
    if (field.fieldKind === "message" && is_object) {
      return queryOf(field.message, in_path, schemas, `${name}.`);
    }
    const is_leaf = field.message === undefined || messageKind(field.message) === "leaf";
    return is_leaf ? [parameter("query", name, field, required.has(field.name), schemas)] : [];
  });
}

function parameter(place, name, field, required, schemas) {
  const description = schemas.comment(`${field.parent.typeName}.${field.name}`);
  return {
    name,
    in: place,
    ...(description === "" ? {} : { description }),
    ...(required ? { required } : {}),
    schema: schemas.field(field, true),
  };
}

function bodyOf({ rpc, body }, in_path, schemas) {
  if (body === "none") {
    return null;
  }
  if (body !== "all") {
    return { content: { "application/json": { schema: schemas.field(body, true) } } };
  }
  if (in_path.size === 0) {
    const required = requiredFields(rpc.input).size > 0;
    return {
      ...(required ? { required } : {}),
      content: { "application/json": { schema: schemas.input(rpc.input) } },
    };
  }
  return { content: { "application/json": { schema: schemas.read(rpc.input, in_path) } } };
}

function replyOf({ rpc, response_body }, schemas) {
  const replied = response_body === null ? rpc.output : response_body.message;
  const schema =
    replied === undefined
      ? schemas.field(response_body, false)
      : schemas.written(replied, { ok: { const: true } });
  const headers = { "X-Request-Id": { $ref: "#/components/headers/RequestId" } };
  if (rpc.methodKind === "server_streaming") {
    return {
      description: "Server-sent events, until the stream is over. The data of each is JSON.",
      headers,
      content: { "text/event-stream": { schema: { type: "string" }, "x-event-data": schema } },
    };
  }
  return { description: "The reply.", headers, content: { "application/json": { schema } } };
}

function nameOf(fields) {
  return fields.map(({ name }) => name).join(".");
}

function firstSentence(text) {
  return /^.*?[.:](?=\s|$)/.exec(text)?.[0].slice(0, -1) ?? text;
}
