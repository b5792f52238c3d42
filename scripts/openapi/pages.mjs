/** What is served beside the methods. These paths have no second name under /api. */
const servers = [{ url: "/" }];

const alive = { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] };

const ready = {
  type: "object",
  properties: {
    ok: { type: "boolean" },
    reasons: {
      type: "array",
      description: "Why no commands are taken; empty when they are.",
      items: {
        type: "object",
        properties: { code: { type: "string" }, message: { type: "string" } },
        required: ["code", "message"],
      },
    },
    warnings: {
      type: "array",
      description: "What somebody should see to all the same; absent when there is nothing.",
      items: {
        type: "object",
        properties: { code: { type: "string" }, message: { type: "string" } },
        required: ["code", "message"],
      },
    },
  },
  required: ["ok", "reasons"],
};

export const pages = {
  "/healthz": page("healthz", "Answers as long as the process does", {
    200: json("It does.", alive),
  }),
  "/readyz": page("readyz", "Says whether commands are taken, and if not, why", {
    200: json("They are.", ready),
    503: json("They are not.", ready),
  }),
  "/openapi.json": page("openapi", "This file", {
    200: json("The file.", { type: "object" }),
  }),
  "/policy.schema.json": page("policySchema", "The JSON Schema of a policy, for editors", {
    200: json("The schema.", { type: "object" }),
  }),
  "/policy-test.schema.json": page(
    "policyTestSchema",
    "The JSON Schema of a file that tests policies, for editors",
    {
      200: json("The schema.", { type: "object" }),
    },
  ),
  "/metrics": {
    servers,
    get: {
      operationId: "metrics",
      tags: ["Operations"],
      summary: "Figures for Prometheus",
      description: "Keys with one of these roles may read it: admin, auditor.",
      responses: {
        200: { description: "The figures.", content: { "text/plain": { schema: { type: "string" } } } },
        default: { $ref: "#/components/responses/Error" },
      },
    },
  },
};

function page(operationId, summary, responses) {
  return { servers, get: { operationId, tags: ["Operations"], summary, security: [], responses } };
}

function json(description, schema) {
  return { description, content: { "application/json": { schema } } };
}
