/**
 * What the Dockerfile makes, without Docker: the files that it copies into the image are put together
 * in a folder, and what it starts is started there.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { freshFolder } from "../server/served.js";

const text = readFileSync("Dockerfile", "utf8").replaceAll("\\\n", " ");
const image = text.slice(text.lastIndexOf("\nFROM "));

/** The words of each instruction of the last stage; of one in exec form, those of its list. */
function instructions(name: string): readonly (readonly string[])[] {
  return [...image.matchAll(new RegExp(`^${name} (.*)$`, "gm"))].map(([, rest = ""]) =>
    rest.startsWith("[") ? (JSON.parse(rest) as string[]) : rest.trim().split(/\s+/),
  );
}

describe("the image of the Dockerfile", () => {
  let folder: string;
  let data: string;
  let listen: string;
  let server: ChildProcess;
  let exited: Promise<number | null>;

  before(async () => {
    folder = join(freshFolder(), "app");
    data = freshFolder();
    for (const words of instructions("COPY")) {
      const [from, ...paths] = words;
      expect(from).to.equal("--from=build");
      const target = paths.pop() as string;
      for (const path of paths) {
        const source = resolve(path.replace(/^\/app\//, ""));
        const name = target.endsWith("/") ? join(target, path.slice(path.lastIndexOf("/") + 1)) : target;
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        if (path === "/app/node_modules") {
          symlinkSync(source, join(folder, name));
        } else {
          cpSync(source, join(folder, name), { recursive: true });
        }
      }
    }
    const ready_file = join(freshFolder(), "ready.json");
    const [program = "", ...words] = [
      ...(instructions("ENTRYPOINT")[0] ?? []),
      ...(instructions("CMD")[0] ?? []),
    ];
    const env = { KILLCORD_DATA: data, KILLCORD_LISTEN: "0.0.0.0:0", KILLCORD_READY_FILE: ready_file };
    server = spawn(program === "node" ? process.execPath : program, words, {
      cwd: folder,
      env: { PATH: process.env.PATH, ...env },
      stdio: "ignore",
    });
    exited = new Promise((done) => server.once("exit", done));
    while (!existsSync(ready_file) || readFileSync(ready_file, "utf8") === "") {
      expect(server.exitCode).to.equal(null);
      await pause(20);
    }
    listen = new URL(JSON.parse(readFileSync(ready_file, "utf8")).url).host;
  });

  after(() => server.kill("SIGKILL"));

  function healthcheck(): number | null {
    const [words] = [...image.matchAll(/HEALTHCHECK .*CMD (\[.*\])$/gm)].map(([, list = ""]) =>
      JSON.parse(list),
    );
    expect(words?.[0]).to.equal("node");
    const { status } = spawnSync(process.execPath, words.slice(1), {
      cwd: folder,
      env: { KILLCORD_LISTEN: listen },
    });
    return status;
  }

  it("holds all that the server needs", async () => {
    const port = listen.split(":").at(-1);
    for (const path of ["/healthz", "/readyz", "/openapi.json"]) {
      expect((await fetch(`http://127.0.0.1:${port}${path}`)).status, path).to.equal(200);
    }
  });

  it("keeps everything in its volume, so that the rest can be read-only", () => {
    const [volume] = instructions("VOLUME");
    expect(volume).to.deep.equal(["/data"]);
    expect(image).to.include("KILLCORD_DATA=/data");
    expect(readdirSync(data)).to.include.members(["admin.key", "keys"]);
    expect(readdirSync(folder).sort()).to.deep.equal([
      ...["LICENSE", "dist", "docs", "node_modules", "package.json", "scripts"],
    ]);
  });

  it("does not run as root", () => {
    expect(instructions("USER")).to.deep.equal([["node"]]);
  });

  it("is healthy while it answers, ends by SIGTERM as process 1 does, and is then not healthy", async () => {
    expect(healthcheck()).to.equal(0);
    // In exec form no shell stands between Docker and the server.
    expect(image)
      .to.match(/^ENTRYPOINT \[/m)
      .and.match(/^CMD \[/m);
    server.kill("SIGTERM");
    expect(await exited).to.equal(0);
    expect(healthcheck()).to.equal(1);
  });
});
