/** `killcord keys`: who may use this workspace. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { type Key, KeyService, Role } from "../../gen/killcord/v1/key_pb.js";
import type { AccessOptions } from "./access.js";
import { withServer } from "./client.js";
import { showCredentialStatus } from "./credentials.js";
import { plain, print, printJson } from "./output.js";
import { type PageOptions, pageOptions, readPages, tellMore } from "./pages.js";
import { restReply } from "./rest-form.js";
import { newTtlOption, oldSecret, overlapOption, type RotateOptions, rotation } from "./rotate.js";
import { pairs, table } from "./table.js";
import { command, serverCommands } from "./teach.js";
import { localTime, parseDuration } from "./time.js";

/** `killcord keys`. */
export function keysCommand(): Command {
  return serverCommands(
    "keys",
    {
      summary: "make, rotate and revoke API keys for people and programs",
      description:
        "Makes, lists, rotates and revokes API keys. An agent runs on a credential instead (`killcord credentials`): " +
        "revoking a key refuses its calls, revoking a credential also stops what runs on it.",
      examples: ["killcord keys create oncall --role operator", "killcord keys list"],
    },
    [createCommand(), listCommand(), rotateCommand(), revokeCommand()],
  );
}

const roles: Readonly<Record<string, Role>> = {
  agent: Role.AGENT,
  operator: Role.OPERATOR,
  approver: Role.APPROVER,
  auditor: Role.AUDITOR,
  admin: Role.ADMIN,
};

interface CreateOptions extends AccessOptions {
  readonly role: readonly Role[];
  readonly agent?: string;
  readonly ttl?: bigint;
  readonly prefix?: string;
}

function createCommand(): Command {
  return command("create", {
    summary: "make an API key",
    description:
      "Makes an API key and shows its secret, once. Roles: agent opens sessions and asks for actions; " +
      "operator sees all and stops; auditor reads; approver answers escalations; admin does everything.",
    examples: [
      "killcord keys create oncall --role operator",
      "killcord keys create audit-2026 --role auditor --ttl 30d --json",
    ],
  })
    .argument("<name>", "what people call it; sealed for ever, so no personal data")
    .addOption(
      new Option("--role <role>", `what it may do: ${Object.keys(roles).join(", ")}; repeatable`)
        .argParser(readRole)
        .makeOptionMandatory(),
    )
    .option("--agent <agent_id>", "bind it to this agent: as agent it sees that agent's sessions only")
    .option(
      "--ttl <duration>",
      "how long it is good, e.g. 12h or 30d; otherwise until revoked",
      parseDuration,
    )
    .addOption(new Option("--prefix <prefix>", "how the secret begins").choices(["kc_", "xb_"]))
    .action(async (name: string, options: CreateOptions) => {
      await withServer(options, async (server) => {
        const reply = await server.keys.createKey({
          name,
          roles: [...options.role],
          ...(options.agent === undefined ? {} : { agentId: options.agent }),
          ...(options.ttl === undefined ? {} : { ttlSeconds: options.ttl }),
          ...(options.prefix === undefined ? {} : { prefix: options.prefix }),
        });
        if (options.json) return printJson(restReply(KeyService.method.createKey, reply));
        if (reply.key !== undefined) print(keyCard(reply.key, reply.secret));
      });
    });
}

function readRole(word: string, before: readonly Role[] | undefined): readonly Role[] {
  const role = roles[word];
  if (role === undefined) throw new InvalidArgumentError(`Expected ${Object.keys(roles).join(", ")}.`);
  return [...new Set([...(before ?? []), role])];
}

function listCommand(): Command {
  const list = command("list", {
    summary: "list API keys, newest first",
    description: "Lists API keys, without their secrets.",
    examples: ["killcord keys list"],
  });
  for (const option of pageOptions()) list.addOption(option);
  return list.action(async (options: AccessOptions & PageOptions) => {
    await withServer(options, async (server) => {
      const reply = await readPages(
        options,
        (page) => server.keys.listKeys(page),
        (whole, next) => whole.keys.push(...next.keys),
      );
      if (options.json) return printJson(restReply(KeyService.method.listKeys, reply));
      if (reply.keys.length === 0) return print("no keys");
      print(keyTable(reply.keys));
      tellMore(reply.keys.length, reply);
    });
  });
}

function rotateCommand(): Command {
  return command("rotate", {
    summary: "give an API key a new secret",
    description:
      "Makes an API key with the same name, roles and agent, and shows its secret, once. The old secret " +
      "stays good for the overlap, so that programs can change over. To sessions the two are one caller. " +
      "The server's file admin.key keeps the first secret: after rotating that key, put the new one there.",
    examples: [
      "killcord keys rotate key_001122334455",
      "killcord keys rotate key_001122334455 --overlap 0s   # the old secret is refused at once",
    ],
  })
    .argument("<key_id>", "the key's id, not its secret")
    .addOption(overlapOption())
    .addOption(newTtlOption())
    .addOption(new Option("--prefix <prefix>", "how the new secret begins").choices(["kc_", "xb_"]))
    .action(async (keyId: string, options: RotateOptions & { readonly prefix?: string }) => {
      await withServer(options, async (server) => {
        const prefix = options.prefix === undefined ? {} : { prefix: options.prefix };
        const reply = await server.keys.rotateKey({ keyId, ...rotation(options), ...prefix });
        if (options.json) return printJson(restReply(KeyService.method.rotateKey, reply));
        if (reply.key !== undefined) print(keyCard(reply.key, reply.secret));
        print(oldSecret(reply.replaced?.keyId, reply.replaced?.expiresAt));
      });
    });
}

function revokeCommand(): Command {
  return command("revoke", {
    summary: "revoke an API key",
    description: "Revokes an API key: its next call is refused. Sessions that it started go on.",
    examples: ['killcord keys revoke key_0011223344556677 --reason "left the team"'],
  })
    .argument("<key_id>", "the key's id, not its secret")
    .option("--reason <text>", "why; sealed for ever, so no personal data")
    .action(async (keyId: string, options: AccessOptions & { readonly reason?: string }) => {
      await withServer(options, async (server) => {
        const reason = options.reason === undefined ? {} : { reason: options.reason };
        const reply = await server.keys.revokeKey({ keyId, ...reason });
        if (options.json) return printJson(restReply(KeyService.method.revokeKey, reply));
        if (reply.key !== undefined) print(keyCard(reply.key, undefined));
      });
    });
}

function roleWords(key: Key): string {
  return key.roles.map((role) => (Role[role] ?? String(role)).toLowerCase()).join(", ");
}

function keyCard(key: Key, secret: string | undefined): string {
  const entries: (readonly [string, string])[] = [
    ["key", plain(key.keyId)],
    ["name", plain(key.name)],
    ["status", showCredentialStatus(key.status)],
    ["roles", roleWords(key)],
    ["agent", plain(key.agentId ?? "")],
    ["created", localTime(key.createdAt)],
    ["expires", localTime(key.expiresAt)],
    ["replaced by", plain(key.replacedBy ?? "")],
    ["revoked", localTime(key.revokedAt)],
    ["reason", plain(key.revokeReason ?? "")],
    ["secret", secret === undefined ? "" : `${plain(secret)}  (shown only this once)`],
  ];
  return pairs(entries.filter(([, value]) => value !== ""));
}

function keyTable(keys: readonly Key[]): string {
  return table(
    [
      { heading: "STATUS" },
      { heading: "KEY" },
      { heading: "NAME" },
      { heading: "ROLES" },
      { heading: "EXPIRES" },
    ],
    keys.map((key) => [
      showCredentialStatus(key.status),
      plain(key.keyId),
      plain(key.name),
      roleWords(key),
      localTime(key.expiresAt) || "-",
    ]),
  );
}
