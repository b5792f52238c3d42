/** What has to change so that the policies in force are those of the files. */
import type { JsonObject, PolicyDocument } from "../core/policy/document.js";

/** A policy in force, as far as it matters here. */
export interface InForce {
  readonly document: PolicyDocument;
  readonly version: number;
}

/** What becomes of one policy. */
export interface Change {
  readonly kind: "created" | "updated" | "deleted" | "unchanged";
  readonly name: string;
  /** The version in force; null for a policy that is new. */
  readonly version: number | null;
  /** As it will be, under its id; null when it is deleted. */
  readonly document: PolicyDocument | null;
  /** As it is; null when it is new. */
  readonly before: PolicyDocument | null;
  /** Names of the members that differ, of a policy that is updated. */
  readonly members: readonly string[];
}

/** What has to change, and the names that belong to the other side. */
export interface Difference {
  /** What is made and changed goes before what is deleted: nothing is allowed in between that will not be. */
  readonly changes: readonly Change[];
  /** Policies that calls made under a name that a file has too. */
  readonly taken: readonly PolicyDocument[];
}

/**
 * Compares files with what is in force. Only policies that came from files are changed or deleted.
 *
 * @param prune whether those are deleted that no file has any more
 */
export function difference(
  wanted: readonly PolicyDocument[],
  present: readonly InForce[],
  prune: boolean,
): Difference {
  const by_name = new Map(present.map((policy) => [policy.document.name, policy]));
  const kept = new Set<string>();
  const taken: PolicyDocument[] = [];
  const changes = wanted.flatMap((document): Change[] => {
    const now = by_name.get(document.name);
    if (now === undefined) {
      return [{ kind: "created", name: document.name, version: null, document, before: null, members: [] }];
    }
    kept.add(now.document.name);
    if (now.document.source !== "file") {
      taken.push(now.document);
      return [];
    }
    const members = differing(now.document, document);
    return [
      {
        kind: members.length === 0 ? "unchanged" : "updated",
        name: document.name,
        version: now.version,
        document: { ...document, policy_id: now.document.policy_id },
        before: now.document,
        members,
      },
    ];
  });
  const gone = present
    .filter(({ document }) => prune && document.source === "file" && !kept.has(document.name))
    .map(({ document: before, version }): Change => {
      return { kind: "deleted", name: before.name, version, document: null, before, members: [] };
    });
  return { changes: [...changes, ...gone], taken };
}

/** Names of members that differ; the id is the server's, and the side is compared before. */
function differing(a: PolicyDocument, b: PolicyDocument): readonly string[] {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  names.delete("policy_id");
  names.delete("source");
  const [before, after] = [a as unknown as JsonObject, b as unknown as JsonObject];
  return [...names].filter((name) => sortedText(before[name]) !== sortedText(after[name]));
}

/** The same text for the same value, in whatever order its members stand. */
function sortedText(value: unknown): string {
  return JSON.stringify(value ?? null, (_, member: unknown) =>
    typeof member === "object" && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
