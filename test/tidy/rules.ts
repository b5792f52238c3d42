/** What the repository claims of itself (docs/architecture.md, CONTRIBUTING.md). */
import {
  brokenLinks,
  changelogWithoutUnreleased,
  eventsWithoutGolden,
  forgottenErrors,
  misnumberedDecisions,
  undocumentedErrors,
  undocumentedVerdicts,
} from "./documents.js";
import type { File } from "./file.js";
import { breachesOfRanks, deadFiles, importCycles, modulesOfNode } from "./imports.js";
import { machinePaths, registryHosts, secretsIn } from "./leaks.js";
import { emptyNames } from "./names.js";
import {
  addressesInLock,
  clientDependencies,
  gapsInLock,
  looseVersions,
  undeclaredImports,
  unusedDependencies,
  unusedTools,
} from "./packages.js";
import { impureCore } from "./purity.js";
import { anyTypes, barrels, defaultExports, exportsOfEverything, longFiles, longFunctions } from "./shape.js";

/** What breaks a claim: one finding a line, `path:line: why`; none when all is well. */
export type Rule = (files: readonly File[]) => readonly string[];

/** The rules, by what they are about and by what they claim. */
export const rules: Readonly<Record<string, Readonly<Record<string, Rule>>>> = {
  "the layers": {
    "a file imports from its own folder or a lower rank": breachesOfRanks,
    "no file imports itself over others": importCycles,
    "the program needs every file": deadFiles,
    "the core is pure": impureCore,
    "the verifier needs nothing of Node": modulesOfNode,
  },
  "the shape of the code": {
    "no file is longer than 300 lines": longFiles,
    "no function is longer than 70 lines": longFunctions,
    "no file only passes on what others export": barrels,
    "every export has a name": defaultExports,
    "every export is spelt out": exportsOfEverything,
    "no type is any": anyTypes,
    "every name says something": emptyNames,
  },
  "the documents": {
    "every error code is explained": undocumentedErrors,
    "no error code is explained that is gone": forgottenErrors,
    "every code of a start or a verification is explained": undocumentedVerdicts,
    "every type of event has a golden file": eventsWithoutGolden,
    "every decision has a number of its own": misnumberedDecisions,
    "every link leads somewhere": brokenLinks,
    "the changelog begins with what is unreleased": changelogWithoutUnreleased,
  },
  "what is committed": {
    "no file names a path of one machine": machinePaths,
    "no file names a registry": registryHosts,
    "no file holds a secret": secretsIn,
  },
  "the dependencies": {
    "the program uses every dependency": unusedDependencies,
    "tests, scripts or settings use every tool": unusedTools,
    "every package that is imported is declared": undeclaredImports,
    "every version is exact": looseVersions,
    "the client declares what it imports, in the versions tested here": clientDependencies,
    "the lock holds no addresses": addressesInLock,
    "the lock knows every platform's build": gapsInLock,
  },
};
