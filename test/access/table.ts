/** The matrix as docs/access.md shows it. */

import type { DescMethod } from "@bufbuild/protobuf";
import { accessTo, methodName } from "../../src/services/roles.js";

/** What every cell of one method says, by column. */
export interface Row {
  readonly method: DescMethod;
  readonly transports: readonly string[];
  readonly cells: ReadonlyMap<string, string>;
}

const start = "<!-- matrix -->";
const end = "<!-- end of matrix -->";

/** The document with its matrix replaced. */
export function withMatrix(document: string, rows: readonly Row[]): string {
  const [before = "", rest = ""] = document.split(start);
  const [, after = ""] = rest.split(end);
  return `${before}${start}\n\n${matrix(rows)}\n${end}${after}`;
}

function matrix(rows: readonly Row[]): string {
  const services = [...new Set(rows.map(({ method }) => method.parent))];
  return services
    .map((service) => {
      const of_service = rows.filter(({ method }) => method.parent === service);
      return `### ${service.name}\n\n${table(of_service)}`;
    })
    .join("\n");
}

function table(rows: readonly Row[]): string {
  const columns = [...(rows[0]?.cells.keys() ?? [])];
  const lines = [
    ["method", "over", ...columns, "own means"],
    ["---", "---", ...columns.map(() => "---"), "---"],
    ...rows.map(({ method, transports, cells }) => [
      `\`${method.name}\``,
      transports.length === 4 ? "all four" : transports.join(", "),
      ...columns.map((column) => cells.get(column) ?? ""),
      ownOf(method),
    ]),
  ];
  return lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

function ownOf(method: DescMethod): string {
  const access = accessTo(method);
  if (access === null) {
    throw new Error(`${methodName(method)} has no row in roles.ts`);
  }
  return access.own ?? "not for agents";
}
