/** TLS as users turn it on: by files, renewed by a signal. */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { get } from "node:https";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { expect } from "chai";
import { type Made, makeCertificate } from "../rpc/certificate.js";
import { command, freshFolder, serve } from "./served.js";

function written(made: Made) {
  const folder = freshFolder();
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  writeFileSync(cert, made.cert);
  writeFileSync(key, made.key);
  return { folder, cert, key };
}

/** The name on the certificate that a server shows, when its readiness is asked for. */
async function shown(url: string, ca: Buffer[]): Promise<string> {
  const request = get(`${url}/readyz`, { ca, agent: false });
  const [reply] = await once(request, "response");
  reply.resume();
  expect(reply.statusCode).to.equal(200);
  return String((reply.socket as TLSSocket).getPeerCertificate().subject.CN);
}

describe("a server with TLS", function () {
  // Each runs several processes, one after the other.
  this.timeout(60_000);

  it("serves the command line, which trusts its authority by NODE_EXTRA_CA_CERTS", async () => {
    const { cert, key } = written(makeCertificate("one"));
    const server = await serve({ flags: ["--tls-cert", cert, "--tls-key", key] });
    expect(server.url).to.match(/^https:\/\/127\.0\.0\.1:\d+$/);
    const env = { KILLCORD_URL: server.url, KILLCORD_API_KEY: server.admin_key };
    const unknown = await command(["sessions", "list"], env);
    expect(unknown.status).to.equal(3);
    expect(unknown.stderr).to.include("NODE_EXTRA_CA_CERTS");
    const listed = await command(["sessions", "list"], { ...env, NODE_EXTRA_CA_CERTS: cert });
    expect(listed.status, listed.stderr).to.equal(0);
    const plain = await command(["sessions", "list"], {
      ...env,
      KILLCORD_URL: server.url.replace("s:", ":"),
    });
    expect(plain.status).to.equal(3);
    expect(await server.end()).to.equal(0);
  });

  it("reads its certificate anew on SIGHUP, and keeps the one it has when the new one is no good", async () => {
    const [one, two] = [makeCertificate("one"), makeCertificate("two")];
    const { cert, key } = written(one);
    const env = { KILLCORD_TLS_CERT: cert, KILLCORD_TLS_KEY: key };
    const server = await serve({ env });
    const ca = [one.cert, two.cert];
    expect(await shown(server.url, ca)).to.equal("one");

    const said = async (text: string) => {
      while (!server.log().includes(text)) {
        await once(server.process.stderr as NodeJS.ReadableStream, "data");
      }
    };
    writeFileSync(cert, two.cert);
    server.process.kill("SIGHUP");
    await said("the one before goes on");
    expect(await shown(server.url, ca)).to.equal("one");

    writeFileSync(key, two.key);
    server.process.kill("SIGHUP");
    await said("the certificate was read anew");
    expect(await shown(server.url, ca)).to.equal("two");
    expect(await server.end()).to.equal(0);
  });

  it("is not started with files that can't be served, and says what is wrong with which", async () => {
    const [one, two] = [makeCertificate("one"), makeCertificate("two")];
    const { folder, cert, key } = written(one);
    const [other_key, text] = [join(folder, "other.pem"), join(folder, "text.pem")];
    writeFileSync(other_key, two.key);
    writeFileSync(text, "no PEM");
    for (const [files, expected] of [
      [
        [cert, join(folder, "nothing.pem")],
        /start\.tls: tls_key: cannot read .*nothing\.pem: it does not exist/,
      ],
      [[text, key], /start\.tls: tls_cert: .*text\.pem holds no certificate in PEM/],
      [[cert, text], /start\.tls: tls_key: .*text\.pem holds no private key without a passphrase in PEM/],
      [
        [cert, other_key],
        /start\.tls: the key in .*other\.pem is not that of the certificate in .*cert\.pem/,
      ],
    ] as const) {
      const flags = ["--tls-cert", files[0], "--tls-key", files[1]];
      const refused = await command([
        "serve",
        "--data",
        join(folder, "data"),
        "--listen",
        "127.0.0.1:0",
        ...flags,
      ]);
      expect(refused.status).to.equal(1);
      expect(refused.stderr).to.match(expected);
    }
  });
});
