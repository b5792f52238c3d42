/** Everybody who may knock at a real server's door, and what is theirs. */
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { CredentialService } from "../../gen/killcord/v1/credential_pb.js";
import { EnforcementService, Verdict } from "../../gen/killcord/v1/enforcement_pb.js";
import { HaltService, ScopeKind } from "../../gen/killcord/v1/halt_pb.js";
import { KeyService, Role } from "../../gen/killcord/v1/key_pb.js";
import { PolicyService } from "../../gen/killcord/v1/policy_pb.js";
import { SessionService } from "../../gen/killcord/v1/session_pb.js";
import { type GrpcClient, openGrpcClient } from "../rpc/grpc-client.js";
import type { Served } from "../server/served.js";
import { policyNamed } from "./samples.js";

/** The type of action that a policy escalates. */
const wants_person = "ask.a.person";

/** What a method can be asked about: one session with what belongs to it. */
export interface Subject {
  readonly agent_id: string;
  readonly session_id: string;
  /** Of a decision in the session. */
  readonly decision_id: string;
  /** Of an escalation in the session, which waits: opened by its owner when it is first asked for. */
  escalation(): Promise<string>;
}

/** One column of the matrix: who calls, about what. */
export interface Column {
  readonly name: string;
  /** Null for no key at all. */
  readonly key: string | null;
  /** Whose subject the call is about. */
  readonly owner: Owner;
  /** Somebody else's, which a list must not show; null where everything may be seen. */
  readonly hidden: Owner | null;
}

/** Makes subjects of one owner: the same one again, or a fresh one for a call that uses it up. */
export interface Owner {
  readonly lasting: Subject;
  fresh(): Promise<Subject>;
}

/** What samples need beside their subject. */
export interface World {
  readonly columns: readonly Column[];
  /** Of an entry in the log. */
  readonly entry_id: string;
  /** A key, an agent, a credential that nobody uses, made for one call. */
  spareKey(): Promise<string>;
  spareAgent(): Promise<string>;
  spareCredential(): Promise<string>;
  /** A name that nothing has. */
  spareName(): string;
  /** A policy that nothing asks about. */
  sparePolicy(): Promise<string>;
  /** A halt in force on what nobody uses. */
  spareHalt(): Promise<string>;
  /** Kills a session, or leaves it as it was stopped; the halt_id of its stop. */
  stop(session_id: string): Promise<string>;
  close(): void;
}

/** Makes them all, through the API. */
export async function makeWorld(server: Served): Promise<World> {
  const admin = openAs(server, server.admin_key);
  const clients = [admin];
  const as = (key: string): Client => {
    const client = openAs(server, key);
    clients.push(client);
    return client;
  };
  const key = async (name: string, role: Role, more: { ttlSeconds?: bigint } = {}) => {
    const made = await admin.ask(KeyService.method.createKey, { name, roles: [role], ...more });
    return { secret: made.secret ?? "", key_id: made.key?.keyId ?? "" };
  };
  const registered = async (name: string) => {
    const { credential } = await admin.ask(CredentialService.method.registerAgent, { name });
    return { secret: credential?.secret ?? "", credential_id: credential?.credentialId ?? "" };
  };

  const bound = await registered("own-bot");
  const unbound = await key("unbound", Role.AGENT);
  const other = await ownerOf(as((await registered("other-bot")).secret), "other-bot");
  const own = await ownerOf(as(bound.secret), "own-bot");
  const started = await ownerOf(as(unbound.secret), "named-bot");

  const revoked = await key("revoked", Role.ADMIN);
  await admin.ask(KeyService.method.revokeKey, { keyId: revoked.key_id });
  const expired = await key("expired", Role.ADMIN, { ttlSeconds: 1n });
  await untilExpired(admin, expired.key_id);
  await admin.ask(PolicyService.method.createPolicy, {
    ...policyNamed("a person"),
    decision: Verdict.ESCALATE,
    actionTypes: [wants_person],
  });
  const leaver = await registered("leaver-bot");
  const left = await ownerOf(as(leaver.secret), "leaver-bot");
  await left.lasting.escalation();
  await admin.ask(CredentialService.method.revokeCredential, { credentialId: leaver.credential_id });
  const stopped: Owner = { lasting: left.lasting, fresh: async () => left.lasting };

  const everything = { owner: own, hidden: null };
  const plain = async (name: string, role: Role) => ({
    name,
    key: (await key(name, role)).secret,
    ...everything,
  });
  let spares = 0;
  const spareName = () => {
    spares += 1;
    return `spare-${spares}`;
  };
  const spareAgent = async () => {
    spares += 1;
    await admin.ask(CredentialService.method.registerAgent, { name: `spare-${spares}` });
    return `spare-${spares}`;
  };
  const last = await admin.ask(EnforcementService.method.getDecision, {
    decisionId: own.lasting.decision_id,
  });
  return {
    columns: [
      { name: "no key", key: null, ...everything },
      { name: "wrong key", key: "kc_wrong", ...everything },
      { name: "revoked key", key: revoked.secret, ...everything },
      { name: "expired key", key: expired.secret, ...everything },
      { name: "credential: own", key: bound.secret, owner: own, hidden: other },
      { name: "credential: another's", key: bound.secret, owner: other, hidden: other },
      { name: "agent key: own", key: unbound.secret, owner: started, hidden: other },
      { name: "agent key: another's", key: unbound.secret, owner: other, hidden: other },
      await plain("operator", Role.OPERATOR),
      await plain("approver", Role.APPROVER),
      await plain("auditor", Role.AUDITOR),
      await plain("admin", Role.ADMIN),
      { name: "revoked credential: its stop", key: leaver.secret, owner: stopped, hidden: other },
    ],
    entry_id: last.decision?.vaultEntryId ?? "",
    spareKey: async () => (await key("spare", Role.AUDITOR)).key_id,
    spareAgent,
    spareName,
    sparePolicy: async () => {
      const { policy } = await admin.ask(PolicyService.method.createPolicy, policyNamed(spareName()));
      return policy?.policyId ?? "";
    },
    spareHalt: async () => {
      const scope = { kind: ScopeKind.LABEL, id: "nobody's" };
      const { halt } = await admin.ask(HaltService.method.halt, { scope });
      return halt?.haltId ?? "";
    },
    spareCredential: async () => {
      const issued = await admin.ask(CredentialService.method.issueCredential, {
        agentId: await spareAgent(),
      });
      return issued.credential?.credentialId ?? "";
    },
    stop: async (sessionId) => {
      const { session } = await admin.ask(SessionService.method.killSession, { sessionId });
      return session?.haltId ?? "";
    },
    close() {
      for (const client of clients) {
        client.close();
      }
    },
  };
}

interface Client {
  /** @throws when the call is refused: the world must be as it is described */
  ask<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>>;
  close(): void;
}

function openAs(server: Served, key: string): Client {
  const client: GrpcClient = openGrpcClient(server.address, { "x-api-key": key });
  return {
    async ask(method, request) {
      const { message, status } = await client.unary(method, request);
      if (message === null) {
        throw new Error(`${method.name}: ${status.details}`);
      }
      return message;
    },
    close: () => client.close(),
  };
}

async function ownerOf(client: Client, agent_id: string): Promise<Owner> {
  const fresh = async (): Promise<Subject> => {
    const { session } = await client.ask(SessionService.method.startSession, { agentId: agent_id });
    const session_id = session?.sessionId ?? "";
    const { decisionId } = await client.ask(EnforcementService.method.intercept, {
      sessionId: session_id,
      actionType: "look",
      estimate: { tokens: 1n },
    });
    let asked: Promise<string> | null = null;
    const escalate = async () => {
      const action = { sessionId: session_id, actionType: wants_person };
      return (await client.ask(EnforcementService.method.intercept, action)).escalationId ?? "";
    };
    const escalation = () => {
      asked ??= escalate();
      return asked;
    };
    return { agent_id, session_id, decision_id: decisionId, escalation };
  };
  return { lasting: await fresh(), fresh };
}

/** Asks until a key's time is over: nothing but its status says so. */
async function untilExpired(admin: Client, key_id: string): Promise<void> {
  for (;;) {
    const { keys } = await admin.ask(KeyService.method.listKeys, {});
    if (keys.some((key) => key.keyId === key_id && key.status === 3)) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
