/** `killcord policy list` and `killcord policy get`: which policies a server goes by. */
import type { Command } from "commander";
import { type Policy, PolicyMode, PolicyService, PolicySource } from "../../gen/killcord/v1/policy_pb.js";
import type { AccessOptions } from "./access.js";
import { withServer } from "./client.js";
import { colour, plain, print, printJson } from "./output.js";
import { type PageOptions, pageOptions, readPages, tellMore } from "./pages.js";
import { typeWord, verdictWord } from "./policy-message.js";
import { restReply } from "./rest-form.js";
import { pairs, table } from "./table.js";
import { command } from "./teach.js";
import { localTime } from "./time.js";

export function policyListCommand(): Command {
  const list = command("list", {
    summary: "list the policies of a server, highest priority first",
    description: "Lists the policies of a server, highest priority first, whoever made them.",
    examples: ["killcord policy list", "killcord policy list --json"],
  });
  for (const option of pageOptions()) list.addOption(option);
  return list.action(async (options: AccessOptions & PageOptions) => {
    await withServer(options, async (server) => {
      const reply = await readPages(
        options,
        (page) => server.policies.listPolicies(page),
        (whole, next) => whole.policies.push(...next.policies),
      );
      if (options.json) return printJson(restReply(PolicyService.method.listPolicies, reply));
      if (reply.policies.length === 0) return print("no policies: everything is allowed within budgets");
      print(policyTable(reply.policies));
      tellMore(reply.policies.length, reply);
    });
  });
}

export function policyGetCommand(): Command {
  return command("get", {
    summary: "show one policy",
    description: "Shows one policy with its conditions, its version and the entry that sealed it.",
    examples: ["killcord policy get 0f1e2d3c4b5a69788796a5b4c3d2e1f0"],
  })
    .argument("<policy_id>", "its id, 32 hex digits")
    .action(async (policyId: string, options: AccessOptions) => {
      await withServer(options, async (server) => {
        const reply = await server.policies.getPolicy({ policyId });
        if (options.json) return printJson(restReply(PolicyService.method.getPolicy, reply));
        if (reply.policy !== undefined) print(policyCard(reply.policy));
      });
    });
}

/** Whether a policy does something, in one word. */
function standing({ enabled, mode }: Policy): string {
  if (!enabled) return colour("dim", "off");
  return mode === PolicyMode.SHADOW ? colour("yellow", "shadow") : "live";
}

function sourceWord({ source }: Policy): string {
  return source === PolicySource.FILE ? "file" : "api";
}

function policyTable(policies: readonly Policy[]): string {
  return table(
    [
      { heading: "PRIORITY", align: "right" },
      { heading: "MODE" },
      { heading: "DECISION" },
      { heading: "NAME" },
      { heading: "TYPE" },
      { heading: "FROM" },
      { heading: "VERSION", align: "right" },
      { heading: "POLICY" },
    ],
    policies.map((policy) => [
      String(policy.priority),
      standing(policy),
      verdictWord(policy.decision),
      plain(policy.name),
      typeWord(policy.policyType),
      sourceWord(policy),
      String(policy.version),
      plain(policy.policyId),
    ]),
  );
}

function policyCard(policy: Policy): string {
  const entries: (readonly [string, string])[] = [
    ["policy", plain(policy.policyId)],
    ["name", plain(policy.name)],
    ["description", plain(policy.description)],
    ["mode", standing(policy)],
    ["type", typeWord(policy.policyType)],
    ["decision", verdictWord(policy.decision)],
    ["priority", String(policy.priority)],
    ["action types", policy.actionTypes.map(plain).join(", ") || "all"],
    ...Object.entries(policy.conditions ?? {}).map(
      ([name, value]) => [`  ${plain(name)}`, plain(JSON.stringify(value))] as const,
    ),
    ["from", sourceWord(policy)],
    ["version", String(policy.version)],
    ["created", localTime(policy.createdAt)],
    ["updated", localTime(policy.updatedAt)],
    ["entry", plain(policy.vaultEntryId ?? "")],
  ];
  return pairs(entries.filter(([, value]) => value !== ""));
}
