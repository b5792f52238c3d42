/** The shortest program of each language, docs/clients.md: it prints the verdicts on three actions of two. */
import { expect } from "chai";
import { type Served, serve } from "../server/served.js";
import { documented, shell } from "./documented.js";

/** Claims that the documented command with these words in it runs such a program. */
export function runsAsDocumented(words: string): void {
  let server: Served;
  before(async () => {
    server = await serve();
  });
  after(async () => {
    await server?.end();
  });

  it("does in its shortest program what docs/clients.md says", async () => {
    const env = { KILLCORD_URL: server.url, KILLCORD_API_KEY: server.admin_key };
    expect(await shell(documented(words), env)).to.equal("VERDICT_ALLOW\nVERDICT_ALLOW\nVERDICT_TERMINATE\n");
  }).timeout(60_000);
}
