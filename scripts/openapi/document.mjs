/** docs/openapi.json: the REST surface as OpenAPI 3.1, made from the descriptors and their comments. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { compileRoutes } from "../../dist/src/rest/routes.js";
import { error_codes } from "../../dist/src/services/errors.js";
import { root } from "../tasks/root.mjs";
import { readComments } from "./comments.mjs";
import { operationOf } from "./operations.mjs";
import { pages } from "./pages.mjs";
import { Schemas } from "./schemas.mjs";

/** @param {Uint8Array} image buf's image of proto/ */
export async function openapiDocument(image) {
  const schemas = new Schemas(readComments(image));
  const services = await servedServices();
  const paths = {};
  for (const route of compileRoutes(services)) {
    const [path, method, operation] = operationOf(route, schemas);
    paths[path] = { ...paths[path], [method]: operation };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Killcord",
      version: JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version,
      description: introduction,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [
      { url: "/", description: "The server that this file came from." },
      { url: "/api", description: "The same routes under their second name." },
    ],
    security: Object.keys(security_schemes).map((name) => ({ [name]: [] })),
    tags: services.map(({ name, typeName }) => ({ name, description: schemas.comment(typeName) })),
    paths: { ...paths, ...pages },
    components: {
      schemas: { ...schemas.components, Error: error_schema },
      responses: {
        Error: {
          description: "What went wrong; each code is explained in docs/errors.md.",
          headers: { "X-Request-Id": { $ref: "#/components/headers/RequestId" } },
          content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
        },
      },
      parameters,
      headers: { RequestId: { description: "Also in the log line.", schema: { type: "string" } } },
      securitySchemes: security_schemes,
    },
  };
}

/** Every service of the package, in the order of the files. */
async function servedServices() {
  const folder = join(root, "dist/gen/killcord/v1");
  const files = readdirSync(folder).filter((file) => file.endsWith("_pb.js"));
  const modules = await Promise.all(files.sort().map((file) => import(join(folder, file))));
  return modules.flatMap((module) => Object.values(module).filter(({ kind }) => kind === "service"));
}

const introduction = [
  "Every route is a method of proto/killcord/v1 with a google.api.http option, so this file says nothing that Connect and gRPC do not say too. docs/rest-api.md has the rules for every route, and examples.",
  "Names are snake_case; lowerCamelCase is accepted in requests. Enums are lower-case words. null in a request means not given; no reply holds one. Whole numbers are accepted as numbers or as decimal text; 64-bit ones are written as numbers up to 2^53-1 and as text beyond. `per_page` is a second name of `page_size`.",
  "A verdict is never an error: allow, block, escalate and terminate are all HTTP 200.",
].join("\n\n");

const security_schemes = {
  ApiKey: { type: "apiKey", in: "header", name: "X-API-Key" },
  Bearer: { type: "http", scheme: "bearer" },
  XybernApiKey: { type: "apiKey", in: "header", name: "X-Xybern-API-Key" },
};

const parameters = {
  IdempotencyKey: {
    name: "Idempotency-Key",
    in: "header",
    description: "A repeat under the same key does nothing twice. The field idempotency_key is the same.",
    schema: { type: "string", pattern: "^[\\x21-\\x7e]{1,255}$" },
  },
  RequestId: {
    name: "X-Request-Id",
    in: "header",
    description:
      "Comes back in the reply and stands in the log line, when it is 1 to 128 of A-Z a-z 0-9 _ . : -",
    schema: { type: "string" },
  },
};

const error_schema = {
  type: "object",
  properties: {
    ok: { const: false },
    error: {
      type: "object",
      properties: {
        code: { type: "string", enum: Object.keys(error_codes) },
        message: { type: "string", description: "What happened and what to do, for people." },
        request_id: { type: "string" },
        details: {
          type: "array",
          description: "The fields at fault, if single ones are.",
          items: {
            type: "object",
            properties: { field: { type: "string" }, issue: { type: "string" } },
            required: ["field", "issue"],
          },
        },
      },
      required: ["code", "message", "request_id"],
    },
  },
  required: ["ok", "error"],
};
