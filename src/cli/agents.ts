/** `killcord agents`: the programs that run. */
import type { Command } from "commander";
import {
  type Agent,
  AgentStatus,
  CredentialService,
  type RevokeAgentResponse,
} from "../../gen/killcord/v1/credential_pb.js";
import type { AccessOptions } from "./access.js";
import { withServer } from "./client.js";
import { credentialCard, killedSessions } from "./credentials.js";
import { colour, note, plain, print, printJson } from "./output.js";
import { type PageOptions, pageOptions, readPages, tellMore } from "./pages.js";
import { restReply } from "./rest-form.js";
import { pairs, table } from "./table.js";
import { command, serverCommands } from "./teach.js";
import { localTime } from "./time.js";

/** `killcord agents`. */
export function agentsCommand(): Command {
  return serverCommands(
    "agents",
    {
      summary: "register agents, and put them out",
      description:
        "Registers, lists, shows and revokes agents. An agent is a named program; its name is its id.",
      examples: ["killcord agents register loan-bot", 'killcord agents revoke loan-bot --reason "retired"'],
    },
    [registerCommand(), listCommand(), getCommand(), revokeCommand()],
  );
}

interface RegisterOptions extends AccessOptions {
  readonly framework?: string;
  readonly description?: string;
  readonly capability?: readonly string[];
}

function registerCommand(): Command {
  return command("register", {
    summary: "register an agent, with its first credential",
    description:
      "Registers an agent by its name and issues its first credential. The secret is shown here, once: " +
      "give it to the agent as KILLCORD_API_KEY. A repeat shows the same agent, and no secret.",
    examples: ['killcord agents register loan-bot --description "scores loan applications"'],
  })
    .argument("<name>", "the agent's name, which is its id")
    .option("--framework <name>", "what it is built with")
    .option("--description <text>", "what it is; sealed for ever, so no personal data")
    .option("--capability <word>", "what it can do; kept, not enforced; repeatable", collect)
    .action(async (name: string, options: RegisterOptions) => {
      await withServer(options, async (server) => {
        const reply = await server.credentials.registerAgent({
          name,
          capabilities: [...(options.capability ?? [])],
          ...(options.framework === undefined ? {} : { framework: options.framework }),
          ...(options.description === undefined ? {} : { description: options.description }),
        });
        if (options.json) return printJson(restReply(CredentialService.method.registerAgent, reply));
        if (!reply.created) note(`"${plain(name)}" was registered before: this shows it as it is now`);
        if (reply.warning !== undefined) note(plain(reply.warning));
        if (reply.agent !== undefined) print(agentCard(reply.agent));
        if (reply.credential !== undefined) print(credentialCard(reply.credential));
      });
    });
}

function collect(word: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), word];
}

function listCommand(): Command {
  const list = command("list", {
    summary: "list agents by name",
    description: "Lists the agents that were registered or named by a session, with their decisions.",
    examples: ["killcord agents list"],
  });
  for (const option of pageOptions()) list.addOption(option);
  return list.action(async (options: AccessOptions & PageOptions) => {
    await withServer(options, async (server) => {
      const reply = await readPages(
        options,
        (page) => server.credentials.listAgents(page),
        (whole, next) => whole.agents.push(...next.agents),
      );
      if (options.json) return printJson(restReply(CredentialService.method.listAgents, reply));
      if (reply.agents.length === 0)
        return print("no agents yet: register one with `killcord agents register NAME`");
      print(agentTable(reply.agents));
      tellMore(reply.agents.length, reply);
    });
  });
}

function getCommand(): Command {
  return command("get", {
    summary: "show one agent",
    description: "Shows one agent: whether it may run, and how its actions were decided.",
    examples: ["killcord agents get loan-bot"],
  })
    .argument("<agent_id>", "the agent")
    .action(async (agentId: string, options: AccessOptions) => {
      await withServer(options, async (server) => {
        const reply = await server.credentials.getAgent({ agentId });
        if (options.json) return printJson(restReply(CredentialService.method.getAgent, reply));
        if (reply.agent !== undefined) print(agentCard(reply.agent));
      });
    });
}

function revokeCommand(): Command {
  return command("revoke", {
    summary: "put an agent out for good",
    description:
      "Revokes an agent, all its credentials, and kills its sessions. This can't be undone: the name is out " +
      "for good. To stop one run use `killcord sessions kill`.",
    examples: ['killcord agents revoke loan-bot --reason "retired"'],
  })
    .argument("<agent_id>", "the agent")
    .option("--reason <text>", "why; sealed for ever, so no personal data")
    .action(async (agentId: string, options: AccessOptions & { readonly reason?: string }) => {
      await withServer(options, async (server) => {
        const reason = options.reason === undefined ? {} : { reason: options.reason };
        const reply = await server.credentials.revokeAgent({ agentId, ...reason });
        if (options.json) return printJson(restReply(CredentialService.method.revokeAgent, reply));
        print(revocation(reply));
      });
    });
}

function revocation(reply: RevokeAgentResponse): string {
  const lines: string[] = [];
  if (reply.agent !== undefined) lines.push(agentCard(reply.agent));
  for (const id of reply.revokedCredentials) lines.push(`revoked ${plain(id)}`);
  lines.push(killedSessions(reply.killedSessions, reply.killedCount));
  if (reply.vaultEntryId !== "") lines.push(`sealed as ${plain(reply.vaultEntryId)}`);
  return lines.join("\n");
}

function showAgentStatus(status: AgentStatus): string {
  switch (status) {
    case AgentStatus.ACTIVE:
      return colour("green", "● active");
    case AgentStatus.REVOKED:
      return colour("red", "■ revoked");
    case AgentStatus.UNSPECIFIED:
      return "? unknown";
  }
}

function agentCard(agent: Agent): string {
  const entries: (readonly [string, string])[] = [
    ["agent", plain(agent.agentId)],
    ["status", showAgentStatus(agent.status)],
    ["framework", plain(agent.framework)],
    ["description", plain(agent.description ?? "")],
    ["capabilities", plain(agent.capabilities.join(", "))],
    ["actions", `${agent.totalActions} (${agent.allowedActions} allowed, ${agent.blockedActions} blocked)`],
    ["last seen", localTime(agent.lastSeenAt)],
    ["created", localTime(agent.createdAt)],
  ];
  return pairs(entries.filter(([, value]) => value !== ""));
}

function agentTable(agents: readonly Agent[]): string {
  return table(
    [
      { heading: "STATUS" },
      { heading: "AGENT" },
      { heading: "ACTIONS", align: "right" },
      { heading: "BLOCKED", align: "right" },
      { heading: "LAST SEEN" },
    ],
    agents.map((agent) => [
      showAgentStatus(agent.status),
      plain(agent.agentId),
      String(agent.totalActions),
      String(agent.blockedActions),
      localTime(agent.lastSeenAt) || "-",
    ]),
  );
}
