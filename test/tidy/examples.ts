/** For each claim of rules.ts: files that break it, the finding that they must lead to, files that don't. */
import type { File } from "./file.js";

export interface Example {
  readonly bad: readonly File[];
  readonly finding: string;
  readonly good: readonly File[];
}

/** Files by path. */
function set(files: Readonly<Record<string, string>>): readonly File[] {
  return Object.entries(files).map(([path, text]) => ({ path, text }));
}

function example(
  bad: Readonly<Record<string, string>>,
  finding: string,
  good: Readonly<Record<string, string>>,
): Example {
  return { bad: set(bad), finding, good: set(good) };
}

const codes =
  "export const error_codes = { no_such: Code.NotFound, too_late: Code.DeadlineExceeded } as const;";

// In pieces, so that this file does not break the rules that it shows.
const home = ["", "home", "ann", "key.pem"].join("/");
const registry = ["registry", "npmjs", "org"].join(".");
const private_key = `-----BEGIN ${"PRIVATE"} KEY-----\nMIGHAgEAMBMGByqGSM49AgEG\n`;

export const examples: Readonly<Record<string, readonly Example[]>> = {
  "a file imports from its own folder or a lower rank": [
    example(
      { "src/core/decide.ts": 'import { seal } from "../engine/seal.js";' },
      "src/core/decide.ts:1: core (rank 1) may not import ../engine/seal.js (2)",
      {
        "src/engine/seal.ts":
          'import { decide } from "../core/decide.js"; import "./clock.js"; import "level";',
      },
    ),
    example(
      { "src/core/decide.ts": '\nimport type { Entry } from "../vault/entry.js";' },
      "src/core/decide.ts:2: core (rank 1) may not import ../vault/entry.js (1)",
      {
        "src/vault/entry.ts": 'import { limits } from "../limits.js"; import { A } from "../../gen/a_pb.js";',
      },
    ),
    example(
      { "src/rest/a.ts": 'export const a = () => import("../rpc/b.js");' },
      "src/rest/a.ts:1: rest (rank 4) may not import ../rpc/b.js (4)",
      { "src/main.ts": 'import { serve } from "./cli/serve.js"; import { b } from "./rpc/b.js";' },
    ),
    example({ "src/tools/a.ts": "export const a = 1;" }, "src/tools/a.ts:1: this place has no rank", {
      "src/limits.ts": "export const limits = {};",
    }),
    example(
      { "src/rest/a.ts": 'import { b } from "../../test/b.js";' },
      "may not import ../../test/b.js",
      {},
    ),
    example(
      { "sdk/typescript/src/a.ts": 'import { b } from "../../../gen/b_pb.js";' },
      "published by itself",
      {
        "sdk/typescript/src/a.ts": 'import { b } from "../gen/b_pb.js"; import { c } from "./c.js";',
        "src/cli/a.ts": 'import { a } from "../../sdk/typescript/src/a.js";',
      },
    ),
    example(
      { "src/services/a.ts": 'import { a } from "../../sdk/typescript/src/a.js";' },
      "services (rank 3) may not import",
      {},
    ),
  ],
  "no file imports itself over others": [
    example(
      {
        "src/core/a.ts": 'import { b } from "./b.js";',
        "src/core/b.ts": 'import type { C } from "./c.js";',
        "src/core/c.ts": 'export { b } from "./b.js";',
      },
      "src/core/b.ts -> src/core/c.ts -> src/core/b.ts",
      {
        "src/core/a.ts": 'import { b } from "./b.js"; import { c } from "./c.js";',
        "src/core/b.ts": 'import { c } from "./c.js";',
        "src/core/c.ts": "export const c = 1;",
      },
    ),
  ],
  "the program needs every file": [
    example(
      { "src/main.ts": 'import "./cli/serve.js";', "src/cli/serve.ts": "", "src/cli/old.ts": "" },
      "src/cli/old.ts:1",
      {
        "src/main.ts": 'import "./cli/serve.js";',
        "src/cli/serve.ts": 'new Worker(new URL("./work.js", import.meta.url));',
        "src/cli/work.ts": "",
      },
    ),
  ],
  "the core is pure": [
    example(
      { "src/core/a.ts": "export const now = Date.now();" },
      "src/core/a.ts:1: the core knows nothing of Date",
      {
        "src/core/a.ts":
          "export const a = (b: { Date: number; process: 1 }) => ({ process: b.process, Date: 1 });",
      },
    ),
    example({ "src/core/a.ts": "export async function a() {}" }, "the core is not async", {
      "src/engine/a.ts": "export async function a() { await b(Date.now()); }",
    }),
    example({ "src/core/a.ts": "export function a(): Promise<void> {}" }, "nothing of Promise", {}),
    example({ "src/core/a.ts": 'import { readFileSync } from "node:fs";' }, "nothing of node:fs", {
      "src/core/a.ts": 'import { b } from "./b.js";',
    }),
    example({ "src/core/a.ts": "const a = Math.random();" }, "leaves nothing to chance", {
      "src/core/a.ts": "const a = Math.max(1, 2);",
    }),
    example({ "src/core/a.ts": "const a = Math['random']();" }, "leaves nothing to chance", {}),
    example({ "src/core/a.ts": "const a = { Date };" }, "nothing of Date", {}),
    example({ "src/core/a.ts": "setTimeout(() => {}, 1);" }, "nothing of setTimeout", {}),
    example({ "src/core/a.ts": "console.log(process.env);" }, "nothing of console", {}),
  ],
  "the verifier needs nothing of Node": [
    example(
      {
        "src/vault/verify.ts": 'import { chain } from "./chain.js";',
        "src/vault/chain.ts": 'import { createHash } from "node:crypto";',
      },
      "src/vault/chain.ts:1: node:crypto",
      {
        "src/vault/verify.ts": 'import { chain } from "./chain.js";',
        "src/vault/chain.ts": "export const chain = 1;",
        "src/vault/signer.ts": 'import { sign } from "node:crypto";',
      },
    ),
    example({ "src/vault/verify.ts": 'import { readFileSync } from "fs";' }, "src/vault/verify.ts:1: fs", {}),
    example(
      { "src/vault/verify/tree.ts": 'import "node:zlib";' },
      "src/vault/verify/tree.ts:1: node:zlib",
      {},
    ),
  ],
  "no file is longer than 300 lines": [
    example({ "src/core/a.ts": "//\n".repeat(301) }, "301 lines", {
      "src/core/a.ts": "//\n".repeat(300),
      "test/core/a.test.ts": "//\n".repeat(301),
    }),
  ],
  "no function is longer than 70 lines": [
    example({ "src/core/a.ts": `const a = () => {${"\n".repeat(70)}};` }, "a function of 71 lines", {
      "src/core/a.ts": `function a() {${"\n".repeat(69)}}`,
    }),
    example({ "scripts/a.mjs": `class A { a() {${"\n".repeat(70)}} }` }, "a function of 71 lines", {}),
  ],
  "no file only passes on what others export": [
    example(
      { "src/core/index.ts": 'export { a } from "./a.js";\nexport type { B } from "./b.js";' },
      "index.ts:1",
      {
        "src/core/a.ts": 'export { b } from "./b.js";\nexport const a = 1;',
      },
    ),
    example({ "src/core/all.ts": 'import { a } from "./a.js";\nexport { a };' }, "all.ts:1", {
      "src/core/a.ts": 'import "./b.js";',
    }),
  ],
  "every export has a name": [
    example({ "src/core/a.ts": "export default 1;" }, "a default export", {
      "src/core/a.ts": "export const a = 1;",
    }),
    example({ "test/a.ts": "const a = 1;\nexport { a as default };" }, "test/a.ts:2", {}),
  ],
  "every export is spelt out": [
    example({ "src/core/a.ts": 'export * from "./b.js";' }, "export *", {
      "src/core/a.ts": 'export { b } from "./b.js";',
    }),
  ],
  "no type is any": [
    example({ "src/core/a.ts": "const a = b as any;" }, "any switches", {
      "src/core/a.ts": "const any: unknown = 1; // any",
    }),
  ],
  "every name says something": [
    example({ "src/core/utils.ts": "" }, '"utils"', {
      "src/core/utility-function.ts": "",
      "gen/common/a.ts": "",
    }),
    example({ "src/common/a.ts": "" }, '"common"', {}),
    example({ "test/session-manager.test.ts": "" }, '"manager"', {}),
    example({ "web/testHelpers.tsx": "" }, '"Helpers"', {}),
  ],
  "every error code is explained": [
    example(
      {
        "src/services/errors.ts": codes,
        "docs/errors.md": "| `no_such` | `not_found` | 404 | x | y |\n",
      },
      "too_late has no row",
      {
        "src/services/errors.ts": codes,
        "docs/errors.md": "| `no_such` | `not_found` | 404 |\n| `too_late` | `deadline_exceeded` | 504 |\n",
      },
    ),
    example(
      { "src/services/errors.ts": codes, "docs/errors.md": "| `no_such` | `internal` | 404 |\n" },
      "no_such travels as not_found, not as internal",
      {},
    ),
    example(
      {
        "src/services/errors.ts": codes,
        "docs/errors.md": "| `no_such` | `not_found` | 404 |\n| `too_late` | `deadline_exceeded` | 500 |\n",
        "test/vectors/rest/status.json":
          '{"codes":[{"connect":"deadline_exceeded","http":504}],"reasons":[{"code":"no_such","http":410}]}',
      },
      "no_such has HTTP status 410, not 404\ndocs/errors.md: too_late has HTTP status 504, not 500",
      {},
    ),
  ],
  "no error code is explained that is gone": [
    example(
      { "src/services/errors.ts": codes, "docs/errors.md": "| `gone` | `internal` | 500 |\n" },
      "gone is not",
      {
        "src/services/errors.ts": codes,
        "docs/errors.md": "| `no_such` | `not_found` | 404 |\n| `start.keys` | x |\n",
      },
    ),
  ],
  "every code of a start or a verification is explained": [
    example({ "src/engine/a.ts": 'throw refuse("start.keys");' }, "start.keys is not in docs/errors.md", {
      "src/engine/a.ts": 'throw refuse("start.keys");',
      "docs/errors.md": "| `start.keys` | x |",
    }),
    example(
      {
        "src/vault/verify.ts": 'type Code = "chain.gap" | "bundle.empty";',
        "docs/vault-format.md": "`chain.gap`",
      },
      "bundle.empty is not in docs/vault-format.md",
      { "src/vault/bundle.ts": 'write("bundle.json", "trust.json", "keys.new");' },
    ),
  ],
  "every type of event has a golden file": [
    example(
      {
        "src/core/event.ts": 'interface A { readonly event: "a_done" | "b_done" }\ntype Event = A;',
        "test/core/golden/a_done.json": "{}",
      },
      "b_done still replays",
      {
        "src/core/event.ts": 'interface A { readonly event: "a_done" } interface Cause { event: string }',
        "test/core/golden/a_done.json": "{}",
      },
    ),
  ],
  "every decision has a number of its own": [
    example(
      { "docs/adr/0001-a.md": "# 1. A\n", "docs/adr/0001-b.md": "# 1. B\n" },
      "docs/adr/0001-b.md: has the number of docs/adr/0001-a.md",
      { "docs/adr/0001-a.md": "# 1. A\n", "docs/adr/0002-b.md": "# 2. B\n" },
    ),
    example({ "docs/adr/0002-b.md": "# 1. B\n" }, "its title does not begin with 0002", {}),
  ],
  "every link leads somewhere": [
    example({ "docs/a.md": "see\n[b](b.md)" }, "docs/a.md:2: b.md leads nowhere", {
      "docs/a.md":
        "[b](../README.md#the-two-commands), [c](https://example.com/x), [d](.), [a](#a-b)\n# A `b`\n",
      "README.md": "# The two commands\n",
    }),
    example({ "docs/a.md": "[b](b.md#gone)", "docs/b.md": "# There\n" }, "b.md#gone leads nowhere", {
      "docs/a.md": "`[b](b.md)`\n```\n[b](b.md)\n```\n",
    }),
  ],
  "the changelog begins with what is unreleased": [
    example({ "CHANGELOG.md": "# Changelog\n\n## [1.0.0]\n\n## [Unreleased]\n" }, "CHANGELOG.md:1", {
      "CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n",
    }),
    example({}, "CHANGELOG.md:1", { "CHANGELOG.md": "## [Unreleased]\n" }),
  ],
  "no file names a path of one machine": [
    example({ "README.md": `cat ${home}` }, "README.md:1", {
      "README.md": "GET /v1/home/x ./work/x $HOME/work/x",
    }),
  ],
  "no file names a registry": [
    example({ "a.json": `{"resolved": "https://${registry}/a"}` }, "a.json:1", {
      "a.md": "the npm registry",
    }),
    example({ ".npmrc": `fund=false\n${"registry"}=https://npm.example` }, ".npmrc:2", {
      ".npmrc": "omit-lockfile-registry-resolved=true",
    }),
  ],
  "no file holds a secret": [
    example({ "src/a.ts": private_key }, "src/a.ts:1: a private key", {
      "test/vectors/vault/entry.json": private_key,
      "src/a.ts": 'text.startsWith("-----BEGIN PRIVATE KEY-----")',
    }),
    example({ "a.yaml": `key: ${"AKIA"}ABCDEFGHIJKLMNOP` }, "a.yaml:1: an access key of a cloud", {}),
    example({ "a.md": `X-API-Key: kc_${"0123456789abcdef".repeat(2)}` }, "a.md:1: a key of Killcord", {
      "a.md": "X-API-Key: kc_… or $KILLCORD_API_KEY",
    }),
  ],
  "the program uses every dependency": [
    example(
      {
        "src/main.ts": 'import "level";',
        "package.json": '{"dependencies":{"level":"1.0.0","@a/b":"1.0.0"}}',
      },
      "@a/b is a dependency",
      { "src/main.ts": 'import "@a/b/c";', "package.json": '{"dependencies":{"@a/b":"1.0.0"}}' },
    ),
  ],
  "tests, scripts or settings use every tool": [
    example({ "src/main.ts": "", "package.json": '{"devDependencies":{"chai":"1.0.0"}}' }, "chai is a tool", {
      "src/main.ts": "",
      "test/a.test.ts": 'import { expect } from "chai";',
      "scripts/a.mjs": 'run("node_modules/mocha/bin/mocha.js");',
      "package.json": '{"devDependencies":{"chai":"1.0.0","@types/chai":"1.0.0","mocha":"1.0.0"}}',
    }),
  ],
  "every package that is imported is declared": [
    example(
      { "src/a.ts": 'import "chai";', "package.json": '{"devDependencies":{"chai":"1.0.0"}}' },
      "src/a.ts:1: chai is not declared for it",
      {
        "src/a.ts": 'import "node:fs"; import "./b.js"; import "level/x"; import type { A } from "chai";',
        "test/a.ts": 'import "chai"; import "level";',
        "package.json": '{"dependencies":{"level":"1.0.0"},"devDependencies":{"chai":"1.0.0"}}',
      },
    ),
    example(
      {
        "src/a.ts": 'import "@a/b";',
        "sdk/b/package.json": '{"name":"@a/b"}',
        "package.json": '{"workspaces":["sdk/b"]}',
      },
      "src/a.ts:1: @a/b is not declared for it",
      {
        "test/a.ts": 'import "@a/b";',
        "sdk/b/package.json": '{"name":"@a/b"}',
        "package.json": '{"workspaces":["sdk/b"]}',
      },
    ),
  ],
  "the client declares what it imports, in the versions tested here": [
    example(
      {
        "sdk/typescript/src/a.ts": 'import "@a/b";',
        "sdk/typescript/package.json": '{"dependencies":{"c":"1.0.0"}}',
        "package.json": '{"dependencies":{"@a/b":"1.0.0","c":"1.0.1"}}',
      },
      "@a/b is imported and not declared\nsdk/typescript/package.json: c is declared and not imported\nsdk/typescript/package.json: c 1.0.0 is not the version",
      {
        "sdk/typescript/src/a.ts": 'import "node:fs"; import "./b.js"; import "@a/b/d";',
        "sdk/typescript/gen/a_pb.ts": 'import "c";',
        "sdk/typescript/package.json": '{"dependencies":{"@a/b":"1.0.0","c":"1.0.0"}}',
        "package.json": '{"dependencies":{"@a/b":"1.0.0"},"devDependencies":{"c":"1.0.0"}}',
      },
    ),
  ],
  "every version is exact": [
    example({ "package.json": '{"dependencies":{"level":"^1.0.0"}}' }, "level ^1.0.0", {
      "package.json": '{"dependencies":{"level":"1.0.0"},"devDependencies":{"chai":"2.0.0-rc.1"}}',
    }),
  ],
  "the lock holds no addresses": [
    example(
      { "package-lock.json": '{"packages":{"node_modules/a":{"resolved":"https://x/a.tgz"}}}' },
      "https://x/a.tgz",
      {
        "package-lock.json":
          '{"packages":{"node_modules/a":{"version":"1.0.0"},"node_modules/b":{"resolved":"b","link":true}}}',
      },
    ),
  ],
  "the lock knows every platform's build": [
    example(
      { "package-lock.json": '{"packages":{"node_modules/a":{"optionalDependencies":{"a-arm":"1.0.0"}}}}' },
      "a-arm of node_modules/a is missing",
      {
        "package-lock.json":
          '{"packages":{"node_modules/a":{"optionalDependencies":{"a-arm":"1.0.0"}},"node_modules/a-arm":{}}}',
      },
    ),
  ],
};
