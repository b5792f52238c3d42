/** The lines about TLS in the README, run as they stand there. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { command, freshFolder, serve } from "../server/served.js";

const lines = /^## TLS\n\n```sh\n(.*?)^```$/ms.exec(readFileSync("README.md", "utf8"))?.[1] ?? "";

describe("the README on TLS", () => {
  it("makes a certificate, serves with it, and is trusted by the command line", async function () {
    this.timeout(60_000);
    try {
      execFileSync("openssl", ["version"], { stdio: "ignore" });
    } catch {
      // Said aloud by the test runner, and counted.
      this.skip();
    }
    const folder = freshFolder();
    const make = /^openssl .*\\\n.*$/m.exec(lines)?.[0] ?? "";
    execFileSync("sh", ["-c", make], { cwd: folder, stdio: "ignore" });

    const here = (words: string) => words.replace(/\b\w+\.pem\b/g, (file) => join(folder, file));
    const flags = here(/^npm start -- (.*)$/m.exec(lines)?.[1] ?? "").split(" ");
    const server = await serve({ flags });
    expect(server.url).to.match(/^https:/);

    const [, url, ca] = /^export KILLCORD_URL=(\S+) NODE_EXTRA_CA_CERTS=(\S+)$/m.exec(lines) ?? [];
    expect(url).to.equal("https://127.0.0.1:7411");
    const words = /^npm run --silent killcord -- (.*)$/m.exec(lines)?.[1]?.split(" ") ?? [];
    const env = { KILLCORD_URL: server.url, NODE_EXTRA_CA_CERTS: here(ca ?? "") };
    const { status, stderr } = await command(words, { ...env, KILLCORD_API_KEY: server.admin_key });
    expect(status, stderr).to.equal(0);
    expect(await server.end()).to.equal(0);
  });
});
