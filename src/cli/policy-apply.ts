/** `killcord policy apply`: makes the policies of a server those of a directory. */
import type { Command } from "commander";
import { PolicySource } from "../../gen/killcord/v1/policy_pb.js";
import type { PolicyDocument } from "../core/policy/document.js";
import { type Change, type Difference, difference } from "../policies/difference.js";
import type { AccessOptions } from "./access.js";
import { type Server, withServer } from "./client.js";
import { CommandFailure } from "./failure.js";
import { type Colour, colour, note, plain, print, printJson } from "./output.js";
import { policyDirectory } from "./packs.js";
import { policiesIn } from "./policy-folder.js";
import { documentOf, requestOf } from "./policy-message.js";
import { counted } from "./policy-validate.js";
import { table } from "./table.js";
import { command } from "./teach.js";

interface ApplyOptions extends AccessOptions {
  readonly dryRun?: true;
  readonly prune?: true;
}

export function policyApplyCommand(): Command {
  return command("apply", {
    summary: "make the policies of a server those of a directory",
    description:
      "Reads the policies of a directory, shows what differs from the server's, and changes that: each " +
      "change is sealed under its own version, and what is equal is left alone. Policies that calls made " +
      "are never touched. Nothing is done when a file has a fault.",
    examples: [
      "killcord policy apply policies --dry-run   # what would change",
      "killcord policy apply policies --prune     # also delete what no file has any more",
    ],
  })
    .argument(
      "<directory>",
      "where the files are, or pack:NAME for a pack that comes with Killcord",
      policyDirectory,
    )
    .option("--dry-run", "show what would change, and change nothing")
    .option("--prune", "delete policies that came from files and that no file here has")
    .action(async (directory: string, options: ApplyOptions) => {
      const wanted = (await policiesIn(directory)).map(({ document }) => document);
      await withServer(options, async (server) => {
        const found = await differenceFrom(server, wanted);
        refuseTaken(found);
        const changes = found.changes.filter(({ kind }) => kind !== "deleted" || options.prune === true);
        const done: Change[] = [];
        try {
          for (const change of changes) {
            done.push(options.dryRun ? change : await carryOut(server, change));
          }
        } finally {
          show(done, options);
        }
        const left = found.changes.length - changes.length;
        if (left > 0) {
          note(
            `${counted(left, "policy", "policies")} from files in no file here: --prune deletes ${left === 1 ? "it" : "them"}`,
          );
        }
      });
    });
}

async function differenceFrom(server: Server, wanted: readonly PolicyDocument[]): Promise<Difference> {
  const { policies } = await server.policies.listPolicies({});
  const present = policies.map((policy) => ({
    document: documentOf(policy),
    version: Number(policy.version),
  }));
  return difference(wanted, present, true);
}

function refuseTaken({ taken }: Difference): void {
  if (taken.length === 0) return;
  throw new CommandFailure("already_exists", 1, "names in the files are those of policies that calls made", {
    details: taken.map(({ name, policy_id }) => ({
      field: name,
      issue: `is policy ${policy_id}: give the file's another name, or delete that one first`,
    })),
  });
}

/** Carries out one change, and says what came of it. */
async function carryOut(server: Server, change: Change): Promise<Change> {
  const { kind, document, before, version } = change;
  const source = PolicySource.FILE;
  if (kind === "deleted" && before !== null) {
    await server.policies.deletePolicy({ policyId: before.policy_id, source });
  } else if (kind === "created" && document !== null) {
    const { policy } = await server.policies.createPolicy(requestOf(document));
    return { ...change, document: { ...document, policy_id: policy?.policyId ?? "" } };
  } else if (kind === "updated" && document !== null) {
    // Of the version that was compared: what somebody else changed in between is not overwritten.
    const at_version = { policyId: document.policy_id, version: BigInt(version ?? 0) };
    await server.policies.updatePolicy({ ...requestOf(document), ...at_version });
  }
  return change;
}

const colours: Readonly<Record<Change["kind"], Colour>> = {
  created: "green",
  updated: "yellow",
  deleted: "red",
  unchanged: "dim",
};

function show(changes: readonly Change[], options: ApplyOptions): void {
  const kinds = ["created", "updated", "deleted", "unchanged"] as const;
  const counts = kinds.map(
    (kind) => [kind, changes.filter((change) => change.kind === kind).length] as const,
  );
  if (options.json) {
    printJson({
      ok: true,
      dry_run: options.dryRun === true,
      ...Object.fromEntries(counts),
      changes: changes.map((change) => ({
        change: change.kind,
        name: change.name,
        policy_id: (change.document ?? change.before)?.policy_id ?? "",
        version: versionAfter(change),
        members: change.members,
      })),
    });
    return;
  }
  const told = changes.filter(({ kind }) => kind !== "unchanged");
  if (told.length > 0) {
    print(
      table(
        [{ heading: "CHANGE" }, { heading: "POLICY" }, { heading: "VERSION" }, { heading: "WHAT" }],
        told.map((change) => [
          colour(colours[change.kind], change.kind),
          plain(change.name),
          change.version === null ? "1" : `${change.version} -> ${versionAfter(change) ?? "gone"}`,
          change.members.join(", "),
        ]),
      ),
    );
  }
  const sum = counts.map(([kind, count]) => `${count} ${kind}`).join(", ");
  print(options.dryRun ? `${sum} (dry run: nothing was changed)` : sum);
}

function versionAfter({ kind, version }: Change): number | null {
  switch (kind) {
    case "created":
      return 1;
    case "updated":
      return (version ?? 0) + 1;
    case "unchanged":
      return version;
    case "deleted":
      return null;
  }
}
