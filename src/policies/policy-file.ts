/** The policies of one YAML file, each with its place. */
import type { PolicyDocument } from "../core/policy/document.js";
import { limits } from "../limits.js";
import { breath } from "./breath.js";
import { fieldOf, readPolicy } from "./read-policy.js";
import { readYaml, type TextFault } from "./yaml-text.js";

/** What is wrong in a file: `line` and `column` from 1. */
export interface FileFault extends TextFault {
  /** Path from the directory that was read. */
  readonly file: string;
}

/** A policy with the file that holds it. */
export interface FiledPolicy {
  readonly document: PolicyDocument;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** What a file holds. */
export interface PolicyFile {
  readonly policies: readonly FiledPolicy[];
  readonly faults: readonly FileFault[];
}

/**
 * Reads the text of a file.
 *
 * @param file its name, for faults
 * @param idOf the policy_id that goes with a name: 32 hex digits
 */
export async function readPolicyFile(
  file: string,
  text: string,
  idOf: (name: string) => string,
): Promise<PolicyFile> {
  const { documents, faults } = readYaml(text);
  const found: FileFault[] = faults.map((fault) => ({ file, ...fault }));
  const policies: FiledPolicy[] = [];
  for (const { value, start, place } of documents) {
    const { document, faults: wrong } = readPolicy(value, { policy_id: idOf(nameIn(value)), source: "file" });
    found.push(
      ...wrong.map(({ path, message }) => ({
        file,
        ...place(path),
        message: path === "" ? message : `${fieldOf(path)}: ${message}`,
      })),
    );
    if (document !== null) {
      policies.push({ document, file, ...start });
    }
    await breath();
  }
  if (documents.length === 0 && found.length === 0) {
    found.push({ file, line: 1, column: 1, message: "there is no policy in this file" });
  }
  found.sort((a, b) => a.line - b.line || a.column - b.column);
  return { policies, faults: found.slice(0, limits.issues_listed) };
}

function nameIn(value: unknown): string {
  const { name } = (value ?? {}) as { readonly name?: unknown };
  return typeof name === "string" ? name : "";
}

/** `FILE:LINE:COLUMN: MESSAGE`, as editors and terminals take it. */
export function faultLine({ file, line, column, message }: FileFault): string {
  return `${file}:${line}:${column}: ${message}`;
}
