/** `killcord credentials`: the secrets that agents run on. */
import type { Command } from "commander";
import { type Credential, CredentialService, CredentialStatus } from "../../gen/killcord/v1/credential_pb.js";
import type { AccessOptions } from "./access.js";
import { withServer } from "./client.js";
import { colour, plain, print, printJson } from "./output.js";
import { type PageOptions, pageOptions, readPages, tellMore } from "./pages.js";
import { restReply } from "./rest-form.js";
import { newTtlOption, oldSecret, overlapOption, type RotateOptions, rotation } from "./rotate.js";
import { pairs, table } from "./table.js";
import { command, serverCommands } from "./teach.js";
import { localTime, parseDuration } from "./time.js";

/** `killcord credentials`. */
export function credentialsCommand(): Command {
  return serverCommands(
    "credentials",
    {
      summary: "issue, rotate and revoke the secrets that agents run on",
      description:
        "Issues, lists, rotates and revokes credentials. Revoking one stops everything that runs on it; " +
        "rotating one stops nothing.",
      examples: [
        "killcord credentials issue loan-bot --ttl 30d",
        "killcord credentials revoke cred_9a8b7c6d5e4f",
      ],
    },
    [issueCommand(), listCommand(), rotateCommand(), revokeCommand()],
  );
}

interface IssueOptions extends AccessOptions {
  readonly ttl?: bigint;
  readonly requireSession: boolean;
}

function issueCommand(): Command {
  return command("issue", {
    summary: "issue a credential to an agent",
    description:
      "Issues one more credential to an agent that was registered or has run. The secret is shown here, " +
      "once: give it to the agent as KILLCORD_API_KEY.",
    examples: ["killcord credentials issue loan-bot --ttl 30d"],
  })
    .argument("<agent_id>", "the agent")
    .option(
      "--ttl <duration>",
      "how long it is good, e.g. 12h or 30d; otherwise until revoked",
      parseDuration,
    )
    .option("--no-require-session", "let its actions go without a session, and so without budgets")
    .action(async (agentId: string, options: IssueOptions) => {
      await withServer(options, async (server) => {
        const ttl = options.ttl === undefined ? {} : { ttlSeconds: options.ttl };
        const requireSession = options.requireSession;
        const reply = await server.credentials.issueCredential({ agentId, requireSession, ...ttl });
        if (options.json) return printJson(restReply(CredentialService.method.issueCredential, reply));
        if (reply.credential !== undefined) print(credentialCard(reply.credential));
      });
    });
}

interface ListOptions extends AccessOptions, PageOptions {
  readonly agent?: string;
}

function listCommand(): Command {
  const list = command("list", {
    summary: "list credentials, newest first",
    description: "Lists credentials, without their secrets.",
    examples: ["killcord credentials list --agent loan-bot"],
  }).option("--agent <agent_id>", "only those of this agent");
  for (const option of pageOptions()) list.addOption(option);
  return list.action(async (options: ListOptions) => {
    await withServer(options, async (server) => {
      const agent = options.agent === undefined ? {} : { agentId: options.agent };
      const reply = await readPages(
        options,
        (page) => server.credentials.listCredentials({ ...page, ...agent }),
        (whole, next) => whole.credentials.push(...next.credentials),
      );
      if (options.json) return printJson(restReply(CredentialService.method.listCredentials, reply));
      if (reply.credentials.length === 0) return print("no credentials match");
      print(credentialTable(reply.credentials));
      tellMore(reply.credentials.length, reply);
    });
  });
}

function rotateCommand(): Command {
  return command("rotate", {
    summary: "give an agent a new secret without stopping it",
    description:
      "Issues the credential that takes the place of an old one, and shows its secret, once. The old secret " +
      "stays good for the overlap. Sessions go on, and both may act in them; the old one need not be revoked.",
    examples: [
      "killcord credentials rotate cred_9a8b7c6d5e4f",
      "killcord credentials rotate cred_9a8b7c6d5e4f --overlap 1h --ttl 30d",
    ],
  })
    .argument("<credential_id>", "the credential")
    .addOption(overlapOption())
    .addOption(newTtlOption())
    .action(async (credentialId: string, options: RotateOptions) => {
      await withServer(options, async (server) => {
        const reply = await server.credentials.rotateCredential({ credentialId, ...rotation(options) });
        if (options.json) return printJson(restReply(CredentialService.method.rotateCredential, reply));
        if (reply.credential !== undefined) print(credentialCard(reply.credential));
        print(oldSecret(reply.replaced?.credentialId, reply.replaced?.expiresAt));
      });
    });
}

function revokeCommand(): Command {
  return command("revoke", {
    summary: "revoke a credential and stop what runs on it",
    description:
      "Revokes a credential for good and, in the same decision, kills every live session of it and of its " +
      "agent. A repeat stops nothing more and shows the same list.",
    examples: ['killcord credentials revoke cred_9a8b7c6d5e4f --reason "leaked in a log"'],
  })
    .argument("<credential_id>", "the credential")
    .option("--reason <text>", "why; sealed for ever, so no personal data")
    .action(async (credentialId: string, options: AccessOptions & { readonly reason?: string }) => {
      await withServer(options, async (server) => {
        const reason = options.reason === undefined ? {} : { reason: options.reason };
        const reply = await server.credentials.revokeCredential({ credentialId, ...reason });
        if (options.json) return printJson(restReply(CredentialService.method.revokeCredential, reply));
        if (reply.credential !== undefined) print(credentialCard(reply.credential));
        print(killedSessions(reply.killedSessions, reply.killedCount));
      });
    });
}

/** What a revocation stopped; the list may be cut, the count never is. */
export function killedSessions(ids: readonly string[], count: bigint): string {
  if (count === 0n && ids.length === 0) return "no session was running on it";
  const more = count - BigInt(ids.length);
  const lines = ids.map((id) => `  ${plain(id)}`);
  if (more > 0n) lines.push(`  and ${more} more`);
  const total = count > BigInt(ids.length) ? count : BigInt(ids.length);
  return `${total} ${total === 1n ? "session" : "sessions"} killed:\n${lines.join("\n")}`;
}

/** A credential's or a key's status, coloured. */
export function showCredentialStatus(status: CredentialStatus): string {
  switch (status) {
    case CredentialStatus.ACTIVE:
      return colour("green", "● active");
    case CredentialStatus.REVOKED:
      return colour("red", "■ revoked");
    case CredentialStatus.EXPIRED:
      return colour("yellow", "□ expired");
    case CredentialStatus.UNSPECIFIED:
      return "? unknown";
  }
}

/** Everything about a credential, with its secret if this is the one time that it is known. */
export function credentialCard(credential: Credential): string {
  const entries: (readonly [string, string])[] = [
    ["credential", plain(credential.credentialId)],
    ["agent", plain(credential.agentId ?? "")],
    ["status", showCredentialStatus(credential.status)],
    ["issued", localTime(credential.createdAt)],
    ["expires", localTime(credential.expiresAt)],
    ["replaced by", plain(credential.replacedBy ?? "")],
    ["revoked", localTime(credential.revokedAt)],
    ["reason", plain(credential.revokeReason ?? "")],
    ["secret", credential.secret === undefined ? "" : `${plain(credential.secret)}  (shown only this once)`],
  ];
  return pairs(entries.filter(([, value]) => value !== ""));
}

function credentialTable(credentials: readonly Credential[]): string {
  return table(
    [
      { heading: "STATUS" },
      { heading: "CREDENTIAL" },
      { heading: "AGENT" },
      { heading: "ISSUED" },
      { heading: "EXPIRES" },
    ],
    credentials.map((credential) => [
      showCredentialStatus(credential.status),
      plain(credential.credentialId),
      plain(credential.agentId ?? "-"),
      localTime(credential.createdAt),
      localTime(credential.expiresAt) || "-",
    ]),
  );
}
