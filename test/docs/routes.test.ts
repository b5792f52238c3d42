/** docs/rest-api.md speaks of every route, field and role that there is, and of no other route. */
import { readFileSync } from "node:fs";
import { type DescMessage, type DescMethod, getOption, hasOption } from "@bufbuild/protobuf";
import { expect } from "chai";
import { http } from "../../gen/google/api/annotations_pb.js";
import { CredentialService } from "../../gen/killcord/v1/credential_pb.js";
import { EnforcementService } from "../../gen/killcord/v1/enforcement_pb.js";
import { EscalationService } from "../../gen/killcord/v1/escalation_pb.js";
import { HaltService } from "../../gen/killcord/v1/halt_pb.js";
import { KeyService } from "../../gen/killcord/v1/key_pb.js";
import { PolicyService } from "../../gen/killcord/v1/policy_pb.js";
import { SessionService } from "../../gen/killcord/v1/session_pb.js";
import { VaultService } from "../../gen/killcord/v1/vault_pb.js";
import type { Role } from "../../src/core/actor.js";
import { roleFor } from "../../src/services/roles.js";
import { sectionsOf } from "./document.js";

const services = [
  SessionService,
  EnforcementService,
  CredentialService,
  HaltService,
  EscalationService,
  PolicyService,
  VaultService,
  KeyService,
];
const roles: readonly Role[] = ["agent", "operator", "approver", "auditor"];
/** Told once for all routes: Paging, Idempotency-Key. */
const told_once: ReadonlySet<string> = new Set(["page_size", "page_token", "page", "idempotency_key"]);

describe("docs/rest-api.md", () => {
  const markdown = readFileSync("docs/rest-api.md", "utf8");
  const sections = sectionsOf(markdown);
  const routes = services.flatMap(({ methods }) => methods).filter((method) => hasOption(method, http));

  it("has a section for every route, and for no other", () => {
    const documented = [...sections.keys()].filter((heading) => /^[A-Z]+ \//.test(heading));
    expect(documented.sort()).to.deep.equal(routes.map(routeOf).sort());
  });

  for (const method of routes) {
    it(`${routeOf(method)} names each field of its request, and who may ask`, () => {
      const section = sections.get(routeOf(method)) ?? "";
      const unnamed = method.input.fields
        .map(({ name }) => name)
        .filter((name) => !told_once.has(name) && !section.includes(name));
      expect(unnamed).to.deep.equal([]);
      const line = /Roles: ([^.]*)\./.exec(section)?.[1] ?? "";
      const told = roles.filter((role) => line.includes(role));
      const allowed = roles.filter((role) => roleFor(method, [role]) !== null);
      expect(told).to.deep.equal(allowed);
    });
  }

  it("names each field of each reply", () => {
    const messages = new Set<DescMessage>();
    for (const { output } of routes) {
      gather(output, messages);
    }
    const unnamed = [...messages].flatMap(({ name, fields }) =>
      fields
        .filter((field) => !markdown.includes(`\`${field.name}\``))
        .map((field) => `${name}.${field.name}`),
    );
    expect(unnamed).to.deep.equal([]);
  });
});

function routeOf(method: DescMethod): string {
  const { pattern } = getOption(method, http);
  return `${pattern.case?.toUpperCase()} ${pattern.value}`;
}

/** A message and those in it. A result of a batch is not seen: its reply or its error stands in its place. */
function gather(message: DescMessage, found: Set<DescMessage>): void {
  if (message.file.proto.package === "killcord.v1" && !found.has(message)) {
    if (message.name !== "InterceptResult") {
      found.add(message);
    }
    for (const field of message.fields) {
      if (field.message !== undefined) {
        gather(field.message, found);
      }
    }
  }
}
