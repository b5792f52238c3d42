/**
 * The access matrix: every method of the descriptors, asked by everybody, about their own and about
 * another's, over every transport, of a real server. docs/access.md is what came of it; REWRITE=1
 * writes it anew, and a difference fails.
 */
import { readFileSync, writeFileSync } from "node:fs";
import type { DescMethod } from "@bufbuild/protobuf";
import { expect } from "chai";
import { KeyService } from "../../gen/killcord/v1/key_pb.js";
import { accessTo, methodName, roleFor } from "../../src/services/roles.js";
import { services } from "../../src/services/workspace.js";
import { openHttp2, request2 } from "../rpc/raw.js";
import { type Served, serve } from "../server/served.js";
import { samples } from "./samples.js";
import { type Row, withMatrix } from "./table.js";
import { type Caller, type Outcome, openTransports, routeOf } from "./transports.js";
import { type Column, makeWorld, type World } from "./world.js";

const document = "docs/access.md";
const methods: readonly DescMethod[] = services.flatMap((service) => service.methods);

/** What a refusal for want of access is called in a cell; any other is a fault of the sample. */
const refusals: Readonly<Record<string, string>> = {
  missing_api_key: "401",
  invalid_api_key: "401",
  expired_api_key: "401",
  insufficient_permissions: "no",
};

/** The code that each way of having no good key must have. */
const keyless: Readonly<Record<string, string>> = {
  "no key": "missing_api_key",
  "wrong key": "invalid_api_key",
  "revoked key": "expired_api_key",
  "expired key": "expired_api_key",
};

describe("the access matrix", () => {
  let server: Served;
  let world: World;
  let transports: ReturnType<typeof openTransports>;
  const rows: Row[] = [];
  before(async () => {
    server = await serve();
    world = await makeWorld(server);
    transports = openTransports(server.url);
  });
  after(async () => {
    transports.close();
    world.close();
    await server.end();
  });

  for (const method of methods) {
    it(`${methodName(method)} answers everybody alike over every transport`, async () => {
      const cells = new Map<string, string>();
      const over = new Set<string>();
      for (const column of world.columns) {
        for (const [transport, call] of transports.callers) {
          const cell = await cellOf(method, column, call, world);
          if (cell !== null) {
            over.add(transport);
            const where = `${transport}, ${column.name}`;
            expect(cell, where).to.equal(cells.get(column.name) ?? cell);
            cells.set(column.name, cell);
          }
        }
      }
      rows.push({ method, transports: [...over], cells: folded(cells) });
    });

    it(`${methodName(method)} refuses a key before it reads the body`, async () => {
      const http2 = openHttp2(Number(new URL(server.url).port));
      const lacking = keyWithoutRole(method, world);
      const half = (headers: Record<string, string>) =>
        request2(http2, { ...headers, "content-length": "1000" }, Buffer.alloc(500), false);
      const asked = doors(method).map(async (headers) => {
        const keys = lacking === null ? [{}] : [{}, { "x-api-key": lacking }];
        const answered = await Promise.all(keys.map((key) => half({ ...headers, ...key })));
        return answered.map(codeIn);
      });
      for (const codes of await Promise.all(asked)) {
        const expected = ["missing_api_key", "insufficient_permissions"];
        expect(codes).to.deep.equal(expected.slice(0, lacking === null ? 1 : 2));
      }
      http2.destroy();
    });
  }

  it("two different keys are refused over every transport, two equal ones are not", async () => {
    const { key } = world.columns.find(({ name }) => name === "admin") as Column;
    const http2 = openHttp2(Number(new URL(server.url).port));
    for (const headers of doors(KeyService.method.listKeys)) {
      const both = { ...headers, "x-api-key": key ?? "" };
      const differ = await request2(http2, { ...both, authorization: "Bearer kc_other" });
      expect(codeIn(differ), headers["content-type"]).to.equal("invalid_api_key");
      const agree = await request2(http2, { ...both, authorization: `Bearer ${key}` });
      expect(codeIn(agree), headers["content-type"]).to.equal(undefined);
    }
    http2.destroy();
  });

  it("none of the keys came into the server's log, which tells of every refusal", () => {
    const log = server.log();
    expect(log).to.include("insufficient_permissions");
    for (const { name, key } of world.columns) {
      expect(log.includes(key ?? "kc_"), name).to.equal(false);
    }
  });

  it(`${document} shows what the server answers`, () => {
    expect(rows).to.have.length(methods.length);
    const before = readFileSync(document, "utf8");
    const now = withMatrix(before, rows);
    if (process.env.REWRITE === "1") {
      writeFileSync(document, now);
      return;
    }
    expect(before, `write it anew with REWRITE=1 and read the difference`).to.equal(now);
  });
});

/** A good key that may not call a method; null where everybody who has one may. */
function keyWithoutRole(method: DescMethod, { columns }: World): string | null {
  const holders = { approver: "approver", "agent key: own": "agent" } as const;
  for (const [name, role] of Object.entries(holders)) {
    if (roleFor(method, [role]) === null) {
      return columns.find((column) => column.name === name)?.key ?? null;
    }
  }
  return null;
}

async function cellOf(
  method: DescMethod,
  column: Column,
  call: Caller,
  world: World,
): Promise<string | null> {
  const sample = samples[methodName(method)];
  if (sample === undefined) {
    throw new Error(`${methodName(method)} has no sample in test/access/samples.ts`);
  }
  const subject = sample.uses_up === true ? await column.owner.fresh() : column.owner.lasting;
  const answered = call(method, await sample.request(subject, world), column.key);
  return answered === null ? null : judged(method, column, await answered);
}

function judged(method: DescMethod, column: Column, { code, text }: Outcome): string {
  // A batch is answered, and says for each action by itself how it went.
  const refused = code ?? (method.name === "InterceptBatch" ? errorIn(text) : null);
  if (refused !== null) {
    const cell = refusals[refused];
    expect(cell, `${refused}: ${text}`).to.be.a("string");
    expect(refused).to.equal(keyless[column.name] ?? refused);
    return cell as string;
  }
  if (accessTo(method)?.own !== "it sees no others" || column.hidden === null) {
    return "yes";
  }
  expect(text, "a list shows another's").not.to.include(column.hidden.lasting.session_id);
  expect(text, "a list shows another's").not.to.include(column.hidden.lasting.decision_id);
  if (column.owner === column.hidden) {
    return "not shown";
  }
  expect(text, "a list shows its own").to.include(column.owner.lasting.session_id);
  return "own only";
}

function errorIn(text: string): string | null {
  return /"error": ?\{"code": ?"([a-z_]+)"/.exec(text)?.[1] ?? null;
}

/** The ways of having no good key are one column when all are refused. */
function folded(cells: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const names = Object.keys(keyless);
  const all = new Set(names.map((name) => cells.get(name)));
  if (all.size !== 1) {
    return cells;
  }
  const rest = [...cells].filter(([name]) => !names.includes(name));
  return new Map([["no key, or a wrong, revoked or expired one", cells.get("no key") ?? ""], ...rest]);
}

/** How a call of a method begins, at each door that has one. */
function doors(method: DescMethod): readonly Record<string, string>[] {
  const path = `/${method.parent.typeName}/${method.name}`;
  const connect = method.methodKind === "unary" ? "application/json" : "application/connect+json";
  const route = routeOf(method, {});
  return [
    { ":path": path, "content-type": "application/grpc" },
    { ":path": path, "content-type": "application/grpc-web+proto" },
    { ":path": path, "content-type": connect },
    ...(route === null ? [] : [{ ":method": route.verb, ":path": route.path }]),
  ];
}

/** The code of docs/errors.md in a reply of any protocol: gRPC has it in base64 in a header. */
function codeIn({ headers, body }: Awaited<ReturnType<typeof request2>>): string | undefined {
  const details = Buffer.from(String(headers["grpc-status-details-bin"] ?? ""), "base64").toString("latin1");
  const text = details + body.toString("latin1");
  return /missing_api_key|invalid_api_key|insufficient_permissions/.exec(text)?.[0];
}
