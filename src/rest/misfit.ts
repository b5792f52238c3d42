/** What is said of a value that its field does not take. */
import type { DescField } from "@bufbuild/protobuf";
import type { FieldIssue } from "../services/errors.js";
import { expectedNumber } from "../services/expected.js";
import type { Misfit } from "./leaf.js";

/** A misfit as an issue of its field: of numbers, with the ends that the field has, not its type. */
export function issueOf(field: DescField, at: string, misfit: Misfit): FieldIssue {
  return { field: at, issue: (misfit.is_range ? expectedNumber(field) : null) ?? misfit.issue };
}
