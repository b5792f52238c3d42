/** The functions of docs/webhooks.md that verify a signature, run as they stand there, in each language. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { message_events } from "../../src/webhooks/message.js";
import { signatureOf } from "../../src/webhooks/signature.js";
import { freshFolder } from "../server/served.js";
import { blocksOf } from "./document.js";

const markdown = readFileSync("docs/webhooks.md", "utf8");
const now = 1_767_225_600;
const body = '{"event":"halt.requested","data":{"halt_id":"halt_1"}}';
const [secret, other, stranger] = ["a", "b", "c"].map((letter) => letter.repeat(24)) as [
  string,
  string,
  string,
];
const signed = (secrets: readonly string[], at = now) => signatureOf(body, secrets, at * 1000);

interface Case {
  readonly header: string;
  readonly body: string;
  readonly is_good: boolean;
}

const good = (header: string): Case => ({ header, body, is_good: true });
const bad = (header: string, sent = body): Case => ({ header, body: sent, is_good: false });
const cases: readonly Case[] = [
  good(signed([secret])),
  good(signed([other, secret])),
  good(signed([secret, other])),
  good(signed([secret], now - 300)),
  good(signed([secret], now + 300)),
  bad(signed([secret], now - 301)),
  bad(signed([secret], now + 301)),
  bad(signed([stranger])),
  bad(signed([secret]), `${body} `),
  // Another time in front of a signature that was right.
  bad(signed([secret], now - 301).replace(/^t=\d+/, `t=${now}`)),
  bad(signed([secret]).replace("v1=", "v0=")),
  bad(signed([secret]).replace(/^t=\d+,/, "")),
  bad(signed([secret]).replace(/^t=\d+/, "t=")),
  bad(signed([secret]).slice(0, -2)),
  bad(`t=${now},v1=`),
  bad(`t=${now},v1=zz`),
  bad(`t=${now}`),
  bad(`t=${now},v1=\u00e4`),
  bad(""),
];

/** What a function of the document says of every case. */
const languages: Readonly<Record<string, (source: string, folder: string, cases_file: string) => string>> = {
  js: (source, folder, file) => {
    writeFileSync(join(folder, "verify.mjs"), source);
    const driver = `import { readFileSync } from "node:fs";
import { isFromKillcord } from "./verify.mjs";
const cases = JSON.parse(readFileSync(${JSON.stringify(file)}, "utf8"));
console.log(JSON.stringify(cases.map(({ header, body }) => isFromKillcord(header, Buffer.from(body), "${secret}", ${now}))));`;
    writeFileSync(join(folder, "main.mjs"), driver);
    return run(process.execPath, ["main.mjs"], folder);
  },
  python: (source, folder, file) => {
    writeFileSync(join(folder, "verify.py"), source);
    const driver = `import json
from verify import is_from_killcord
cases = json.load(open(${JSON.stringify(file)}, encoding="utf-8"))
print(json.dumps([is_from_killcord(c["header"], c["body"].encode(), "${secret}", ${now}) for c in cases]))`;
    writeFileSync(join(folder, "main.py"), driver);
    return run("python3", ["main.py"], folder);
  },
  go: (source, folder, file) => {
    mkdirSync(join(folder, "webhook"));
    writeFileSync(join(folder, "webhook", "verify.go"), source);
    writeFileSync(join(folder, "go.mod"), "module example\n\ngo 1.22\n");
    const driver = `package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"example/webhook"
)

func main() {
	text, _ := os.ReadFile(${JSON.stringify(file)})
	var cases []struct{ Header, Body string }
	if err := json.Unmarshal(text, &cases); err != nil {
		panic(err)
	}
	said := []bool{}
	for _, c := range cases {
		said = append(said, webhook.IsFromKillcord(c.Header, []byte(c.Body), "${secret}", time.Unix(${now}, 0)))
	}
	out, _ := json.Marshal(said)
	fmt.Println(string(out))
}
`;
    writeFileSync(join(folder, "main.go"), driver);
    return run("go", ["run", "."], folder);
  },
};

function run(program: string, words: readonly string[], cwd: string): string {
  return execFileSync(program, words, { cwd, encoding: "utf8" });
}

function isThere(program: string, ...words: readonly string[]): boolean {
  try {
    execFileSync(program, words, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

describe("docs/webhooks.md", () => {
  for (const [language, judge] of Object.entries(languages)) {
    it(`verifies signatures in ${language} as it says`, function () {
      this.timeout(120_000);
      if (
        (language === "python" && !isThere("python3", "-V")) ||
        (language === "go" && !isThere("go", "version"))
      ) {
        // Said aloud by the test runner, and counted.
        this.skip();
      }
      const [block] = blocksOf(markdown).filter(({ kind }) => kind === language);
      const folder = freshFolder();
      const file = join(folder, "cases.json");
      writeFileSync(file, JSON.stringify(cases));
      const said = JSON.parse(judge(block?.text ?? "", folder, file)) as readonly boolean[];
      expect(cases.map((each, i) => ({ ...each, is_good: said[i] }))).to.deep.equal(cases);
    });
  }

  it("names every event", () => {
    const table = [...markdown.matchAll(/^\| `([a-z.]+)` \|/gm)].map(([, event]) => event);
    expect(table).to.deep.equal([...message_events]);
  });
});
