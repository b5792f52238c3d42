import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import {
  AgentStatus,
  CredentialService,
  CredentialStatus,
  type IssueCredentialRequest,
  type RevokeCredentialRequest,
  type RotateCredentialRequest,
} from "../../gen/killcord/v1/credential_pb.js";
import {
  type CreateKeyRequest,
  KeyService,
  Role,
  type RotateKeyRequest,
} from "../../gen/killcord/v1/key_pb.js";
import { invoke } from "./killcord.js";
import { session_id } from "./samples.js";
import { type ScriptedServer, scriptedServer } from "./scripted-server.js";

const createdAt = timestampFromDate(new Date("2026-11-22T20:16:00Z"));
const agent = {
  agentId: "loan-bot",
  name: "loan-bot",
  framework: "custom",
  status: AgentStatus.ACTIVE,
  isActive: true,
  totalActions: 18n,
  allowedActions: 17n,
  blockedActions: 1n,
  createdAt,
};
const credential = {
  credentialId: "cred_9a8b7c6d5e4f",
  agentId: "loan-bot",
  status: CredentialStatus.ACTIVE,
  createdAt,
  requireSession: true,
};
const key = {
  keyId: "key_0011223344556677",
  name: "oncall",
  roles: [Role.OPERATOR, Role.AUDITOR],
  status: CredentialStatus.ACTIVE,
  createdAt,
};

describe("the commands of access", () => {
  let server: ScriptedServer;
  const issued: IssueCredentialRequest[] = [];
  const revoked: RevokeCredentialRequest[] = [];
  const created: CreateKeyRequest[] = [];
  const rotated: (RotateCredentialRequest | RotateKeyRequest)[] = [];

  before(async () => {
    server = await scriptedServer((router) => {
      router.service(CredentialService, {
        registerAgent: ({ name }) =>
          name === "loan-bot"
            ? { created: false, agent, credential }
            : {
                created: true,
                agent: { ...agent, agentId: name },
                credential: { ...credential, secret: "kc_secret" },
              },
        listAgents: () => ({ agents: [agent], total: 1n }),
        getAgent: () => ({ agent }),
        revokeAgent: () => ({
          agent: { ...agent, status: AgentStatus.REVOKED, isActive: false },
          revokedCredentials: [credential.credentialId],
          killedSessions: [],
          vaultEntryId: "ve_0b1c2d3e4f5061728394a5b6",
        }),
        issueCredential: (request) => {
          issued.push(request);
          return { credential: { ...credential, secret: "kc_secret" } };
        },
        listCredentials: () => ({ credentials: [credential], total: 1n }),
        rotateCredential: (request) => {
          rotated.push(request);
          return {
            credential: { ...credential, credentialId: "cred_000000000002", secret: "kc_new" },
            replaced: { ...credential, replacedBy: "cred_000000000002", expiresAt: createdAt },
          };
        },
        revokeCredential: (request) => {
          revoked.push(request);
          return {
            credential: { ...credential, status: CredentialStatus.REVOKED, revokedAt: createdAt },
            killedSessions: [session_id],
            killedCount: 1001n,
          };
        },
      });
      router.service(KeyService, {
        createKey: (request) => {
          created.push(request);
          return { key, secret: "kc_secret" };
        },
        listKeys: () => ({ keys: [key], total: 1n }),
        rotateKey: (request) => {
          rotated.push(request);
          return {
            key: { ...key, keyId: "key_000000000002" },
            secret: "xb_new",
            replaced: { ...key, replacedBy: "key_000000000002", expiresAt: createdAt },
          };
        },
        revokeKey: () => ({ key: { ...key, status: CredentialStatus.REVOKED, revokeReason: "left" } }),
      });
    });
  });
  after(() => server.close());

  const run = (...words: string[]) => invoke([...words, "--url", server.url]);

  it("agents register shows the secret once, and says that a repeat changes nothing", async () => {
    const [fresh, repeat] = await Promise.all([
      run("agents", "register", "new-bot"),
      run("agents", "register", "loan-bot"),
    ]);
    expect(fresh.stdout).to.match(/^agent +new-bot$/m);
    expect(fresh.stdout).to.match(/^secret +kc_secret {2}\(shown only this once\)$/m);
    expect(repeat.stdout).not.to.contain("secret");
    expect(repeat.stderr).to.contain('"loan-bot" was registered before');
  });

  it("agents list, get and revoke show what an agent did and what its end stopped", async () => {
    const [list, get, revoke] = await Promise.all([
      run("agents", "list"),
      run("agents", "get", "loan-bot"),
      run("agents", "revoke", "loan-bot", "--reason", "retired"),
    ]);
    expect(list.stdout).to.match(/^● active +loan-bot +18 +1 +-$/m);
    expect(get.stdout).to.match(/^actions +18 \(17 allowed, 1 blocked\)$/m);
    expect(revoke.stdout).to.match(/^status +■ revoked$/m);
    expect(revoke.stdout).to.contain(
      "revoked cred_9a8b7c6d5e4f\nno session was running on it\nsealed as ve_0b1c2d3e4f50",
    );
  });

  it("credentials issue reads the span and the session rule", async () => {
    const { status, stdout } = await run(
      "credentials",
      "issue",
      "loan-bot",
      "--ttl",
      "30d",
      "--no-require-session",
    );
    expect([status, issued[0]?.ttlSeconds, issued[0]?.requireSession]).to.deep.equal([0, 2_592_000n, false]);
    expect(stdout).to.match(/^secret +kc_secret/m);
  });

  it("credentials revoke tells what it killed, also beyond the list", async () => {
    const [words, json] = await Promise.all([
      run("credentials", "revoke", credential.credentialId, "--reason", "leaked"),
      run("credentials", "revoke", credential.credentialId, "--json"),
    ]);
    expect(words.stdout).to.contain(`1001 sessions killed:\n  ${session_id}\n  and 1000 more\n`);
    expect(revoked.map(({ reason }) => reason).sort()).to.deep.equal(["leaked", undefined]);
    const reply = JSON.parse(json.stdout);
    expect(reply.credential.status).to.equal("revoked");
    expect([reply.killed_sessions, reply.killed_count]).to.deep.equal([[session_id], 1001]);
  });

  it("rotate shows the new secret once, and until when the old one is good", async () => {
    const [of_credential, of_key, bare] = [
      await run("credentials", "rotate", credential.credentialId, "--overlap", "1h", "--ttl", "30d"),
      await run("keys", "rotate", key.keyId, "--overlap", "0s", "--prefix", "xb_"),
      await run("keys", "rotate", key.keyId, "--json"),
    ];
    expect(of_credential.stdout).to.match(/^secret +kc_new {2}\(shown only this once\)$/m);
    expect(of_credential.stdout).to.match(/^the secret of cred_9a8b7c6d5e4f is good until 2026-11-2/m);
    expect(of_key.stdout).to.match(/^secret +xb_new/m);
    expect(JSON.parse(bare.stdout).replaced.replaced_by).to.equal("key_000000000002");
    expect(rotated.map(({ overlapSeconds, ttlSeconds }) => [overlapSeconds, ttlSeconds])).to.deep.equal([
      [3600n, 2_592_000n],
      [0n, undefined],
      [undefined, undefined],
    ]);
    expect((await run("keys", "rotate", key.keyId, "--overlap", "soon")).status).to.equal(2);
  });

  it("credentials list shows no secrets", async () => {
    const { stdout } = await run("credentials", "list");
    expect(stdout).to.match(/^● active +cred_9a8b7c6d5e4f +loan-bot +2026-11-2/m);
  });

  it("keys create takes several roles and shows the secret once", async () => {
    const { stdout } = await run(
      "keys",
      "create",
      "oncall",
      "--role",
      "operator",
      "--role",
      "auditor",
      "--prefix",
      "xb_",
    );
    expect(created[0]?.roles).to.deep.equal([Role.OPERATOR, Role.AUDITOR]);
    expect(created[0]?.prefix).to.equal("xb_");
    expect(stdout).to.match(/^roles +operator, auditor$/m);
    expect(stdout).to.match(/^secret +kc_secret/m);
  });

  it("keys list and revoke, in JSON, have the roles as words", async () => {
    const [list, revoke] = await Promise.all([
      run("keys", "list", "--json"),
      run("keys", "revoke", key.keyId, "--reason", "left", "--json"),
    ]);
    expect(JSON.parse(list.stdout)).to.deep.equal({
      ok: true,
      keys: [
        {
          key_id: "key_0011223344556677",
          name: "oncall",
          roles: ["operator", "auditor"],
          status: "active",
          created_at: "2026-11-22T20:16:00Z",
        },
      ],
      total: 1,
    });
    expect(JSON.parse(revoke.stdout).key.status).to.equal("revoked");
  });
});
