/** What a start keeps to itself, and what one that is refused says. */
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { command, freshFolder, serve } from "./served.js";

describe("the start of a server", () => {
  it("keeps the log from other users, also in a folder that was open to them", async () => {
    const data = join(freshFolder(), "data");
    await mkdir(data, { mode: 0o755 });
    const server = await serve({ data });
    for (const folder of ["store", "keys"]) {
      expect((await stat(join(data, folder))).mode & 0o777, folder).to.equal(0o700);
    }
    await server.end();
  });

  it("is refused with its code beside another server, which goes on", async () => {
    const server = await serve();
    const second = await command(["serve", "--data", server.data, "--listen", "127.0.0.1:0"]);
    expect(second.status).to.equal(1);
    expect(second.stderr).to.match(/^killcord: start\.locked: Another Killcord uses /);
    expect((await fetch(`${server.url}/readyz`)).status).to.equal(200);
    await server.end();
  });
});
