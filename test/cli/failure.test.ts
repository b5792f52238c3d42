import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import { SessionService } from "../../gen/killcord/v1/session_pb.js";
import { fromCall } from "../../src/cli/failure.js";
import { invoke, killcord } from "./killcord.js";
import { deadUrl, refusal, type ScriptedServer, scriptedServer } from "./scripted-server.js";

describe("a server that is not there", () => {
  it("ends with 3 and says how to start one", async () => {
    const url = await deadUrl();
    const { status, stdout, stderr } = await killcord(["sessions", "list", "--url", url]);
    expect([status, stdout]).to.deep.equal([3, ""]);
    expect(stderr).to.equal(
      `killcord: no Killcord answers at ${url} (connection refused): ` +
        "start one with `killcord serve`, or set KILLCORD_URL\n",
    );
  });

  it("is a JSON document with --json, also for a stream", async () => {
    const url = await deadUrl();
    const { status, stdout, stderr } = await invoke(["sessions", "watch", "x", "--json"], {
      env: { KILLCORD_URL: url },
    });
    expect([status, stdout]).to.deep.equal([3, ""]);
    const { ok, error } = JSON.parse(stderr);
    expect([ok, error.code]).to.deep.equal([false, "unavailable"]);
    expect(error.message).to.contain(url);
  });

  it("is told apart from something else that answers there", async () => {
    const page = createHttpServer((_, response) => response.end("<html>hello</html>"));
    await new Promise<void>((resolve) => page.listen(0, "127.0.0.1", resolve));
    const other = await scriptedServer(() => undefined);
    try {
      const urls = [`http://127.0.0.1:${(page.address() as AddressInfo).port}`, other.url];
      for (const url of urls) {
        const { status, stderr } = await killcord(["sessions", "list", "--url", url]);
        expect(status).to.equal(3);
        expect(stderr).to.match(/what answers at .* is not a Killcord .*: set KILLCORD_URL or --url to one/);
      }
    } finally {
      page.closeAllConnections();
      page.close();
      await other.close();
    }
  });

  it("ends with 3 when it hangs up at once", async () => {
    const rude = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => rude.listen(0, "127.0.0.1", resolve));
    try {
      const url = `http://127.0.0.1:${(rude.address() as AddressInfo).port}`;
      const { status, stderr } = await killcord(["sessions", "list", "--url", url]);
      expect(status).to.equal(3);
      expect(stderr)
        .to.contain(url)
        .and.not.to.match(/\n\s+at /);
    } finally {
      rude.close();
    }
  });
});

describe("a connection that fails", () => {
  const told = (code: string, message: string) => {
    const cause = Object.assign(new Error(message), { code });
    return fromCall(new ConnectError(message, Code.Internal, undefined, undefined, cause), "https://there");
  };

  for (const [claim, code, says] of [
    ["for its host's name", "ENOTFOUND", /no Killcord answers at https:\/\/there \(unknown host\)/],
    [
      "for its certificate",
      "DEPTH_ZERO_SELF_SIGNED_CERT",
      /certificate .* is not trusted .*NODE_EXTRA_CA_CERTS/,
    ],
    ["for its certificate's name", "ERR_TLS_CERT_ALTNAME_INVALID", /certificate .* is not trusted/],
    ["for want of TLS", "ERR_SSL_WRONG_VERSION_NUMBER", /speaks no TLS that fits: .* begins with http:/],
    ["for its protocol", "ERR_HTTP2_ERROR", /is not a Killcord/],
  ] as const) {
    it(`${claim} says so`, () => {
      const failure = told(code, "as the library says it");
      expect([failure.code, failure.status]).to.deep.equal(["unavailable", 3]);
      expect(failure.message).to.match(says);
    });
  }

  it("at several addresses is told by the first", () => {
    const refused = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
    const cause = new AggregateError([refused, new Error("other")]);
    const failure = fromCall(
      new ConnectError("", Code.Internal, undefined, undefined, cause),
      "http://localhost:1",
    );
    expect(failure.message).to.contain("connection refused");
  });
});

describe("a refusal", () => {
  const refusals = {
    missing: refusal(Code.Unauthenticated, "missing_api_key", "no API key was sent"),
    role: refusal(Code.PermissionDenied, "insufficient_permissions", "this needs the role operator"),
    unknown: refusal(Code.NotFound, "session_not_found", "no session has this id", { request_id: "req_17" }),
    busy: refusal(Code.ResourceExhausted, "overloaded", "too much is waiting: try again in a second"),
    argument: refusal(Code.InvalidArgument, "invalid_argument", "a field is not as it must be", {
      details: [{ field: "session_id", issue: "must be at most 256 characters\u001b[2J" }],
    }),
  } as const;
  let server: ScriptedServer;

  before(async () => {
    server = await scriptedServer((router) => {
      router.service(SessionService, {
        getSession: (request) => {
          throw refusals[request.sessionId as keyof typeof refusals];
        },
      });
    });
  });
  after(() => server.close());

  const get = (id: string, ...more: string[]) =>
    invoke(["sessions", "get", id, "--url", server.url, ...more]);

  it("for want of a key ends with 3 and says how to give one", async () => {
    const { status, stderr } = await get("missing");
    expect(status).to.equal(3);
    expect(stderr).to.contain("no API key was sent: set KILLCORD_API_KEY").and.to.contain("--api-key-file");
  });

  it("for want of a role, or of room, ends with 3", async () => {
    const ended = await Promise.all([get("role"), get("busy")]);
    expect(ended.map(({ status }) => status)).to.deep.equal([3, 3]);
    expect(ended[0]?.stderr).to.equal("killcord: this needs the role operator\n");
  });

  it("of an unknown id ends with 1 and names the request", async () => {
    const [words, json] = await Promise.all([get("unknown"), get("unknown", "--json")]);
    expect([words.status, json.status]).to.deep.equal([1, 1]);
    expect(words.stderr).to.equal("killcord: no session has this id\n  request req_17\n");
    expect(JSON.parse(json.stderr)).to.deep.equal({
      ok: false,
      error: { code: "session_not_found", message: "no session has this id", request_id: "req_17" },
    });
  });

  it("of an argument ends with 2 and lists the fields, with no power over the terminal", async () => {
    const [words, json] = await Promise.all([get("argument"), get("argument", "--json")]);
    expect([words.status, json.status]).to.deep.equal([2, 2]);
    expect(words.stderr).to.contain("  session_id: must be at most 256 characters\\u001b[2J\n");
    expect(JSON.parse(json.stderr).error.details).to.deep.equal([
      { field: "session_id", issue: "must be at most 256 characters\u001b[2J" },
    ]);
  });
});
