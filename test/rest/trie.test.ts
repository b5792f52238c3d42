import { expect } from "chai";
import { parseTemplate } from "../../src/rest/template.js";
import { createRouter, DuplicateRouteError } from "../../src/rest/trie.js";
import { vector } from "../vectors.js";

interface RouteRow {
  id: string;
  method: string;
  template: string;
}

interface MatchCase {
  set: string;
  method: string;
  path: string;
  expect: { route?: string; vars?: Record<string, string>; status?: number; allow?: string[] };
  note?: string;
}

const { sets, cases, broken_sets } = vector<{
  sets: Record<string, { mounts: string[]; routes: RouteRow[] }>;
  cases: MatchCase[];
  broken_sets: { routes: RouteRow[]; ok?: boolean; error?: string; route?: string; note?: string }[];
}>("rest/match.json");

const status_of = { invalid_path: 400, route_not_found: 404, method_not_allowed: 405 } as const;

function compile(rows: readonly RouteRow[], mounts: readonly string[]) {
  return createRouter(
    rows.map((row) => ({ id: row.id, method: row.method, template: parseTemplate(row.template) })),
    mounts,
  );
}

describe("routing", () => {
  for (const [set, { mounts, routes }] of Object.entries(sets)) {
    describe(`the set ${set}`, () => {
      const router = compile(routes, mounts);
      for (const row of cases.filter((one) => one.set === set)) {
        const wanted = row.expect.route ?? row.expect.status;
        it(`${row.method} ${row.path} -> ${wanted}${row.note === undefined ? "" : ` (${row.note})`}`, () => {
          expect(outcome(router.match(row.method, row.path))).to.deep.equal(row.expect);
        });
      }
    });
  }

  for (const { routes, error, route, note } of broken_sets) {
    const shapes = routes.map((row) => `${row.method} ${row.template}`).join(", ");
    if (error === undefined) {
      it(`${shapes} can stand together: ${note}`, () => {
        compile(routes, [""]);
      });
    } else {
      it(`${shapes} is refused at start, naming ${route}`, () => {
        expect(() => compile(routes, [""]))
          .to.throw(DuplicateRouteError, error)
          .with.nested.property("route.id", route);
      });
    }
  }
});

function outcome(match: ReturnType<ReturnType<typeof compile>["match"]>): MatchCase["expect"] {
  switch (match.kind) {
    case "route": {
      const names = match.route.template.variables.map((variable) => variable.path);
      return {
        route: match.route.id,
        vars: Object.fromEntries(names.map((name, i) => [name, match.values[i] ?? ""])),
      };
    }
    case "method_not_allowed":
      return { status: status_of[match.kind], allow: [...match.allow] };
    case "invalid_path":
    case "route_not_found":
      return { status: status_of[match.kind] };
  }
}
