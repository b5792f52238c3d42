import { expect } from "chai";
import type { ask as Ask } from "../../examples/web/agent.js";
import { serve } from "../server/served.js";
import type { Protocol, TakeSteps } from "./browser/page.js";
import { openPage, type Site, servePage } from "./browser/site.js";
import { isContained } from "./containment.js";
import { type Client, type Place, sayings } from "./program.js";

for (const protocol of ["connect", "grpc-web"] as const) {
  describe(`an agent in a page, on connect-web's ${protocol} transport`, () => {
    withSite((site) =>
      isContained((place) => openAgent(site(), place, protocol), { settings: () => allow(site()) }),
    );
  });
}

/** The site of the page, from before its tests to after them. */
function withSite(declare: (site: () => Site) => void): void {
  let site: Site;
  before(async () => {
    site = await servePage();
  });
  after(() => site.close());
  declare(() => site);
}

/** The server's setting by which the page may call it from the origin that it has. */
function allow({ origin }: Site): Record<string, string> {
  return { KILLCORD_CORS_ORIGINS: origin };
}

async function openAgent(site: Site, { url, api_key }: Place, protocol: Protocol): Promise<Client> {
  const { page, console, complaint, close } = await openPage(site);
  let why = "";
  page
    .evaluate((words) => (globalThis as unknown as { takeSteps: TakeSteps }).takeSteps(...words), [
      url,
      api_key,
      protocol,
    ] as const)
    .catch((error) => {
      why = `: ${error}`;
    })
    .finally(() => console.end());
  return { next: sayings(console, async () => `${complaint()}${why}`), end: close };
}

describe("a page", () => {
  withSite((site) => {
    /** Runs the shortest program in the page against a server with these settings. */
    async function ask(settings: Record<string, string>): Promise<string[]> {
      const server = await serve({ env: settings });
      const { page, close } = await openPage(site());
      const asked = page.evaluate(
        async (words) => {
          const shown: string[] = [];
          const { ask } = globalThis as unknown as { ask: typeof Ask };
          await ask(...words, (verdict) => shown.push(verdict));
          return shown;
        },
        [server.url, server.admin_key] as const,
      );
      return asked.finally(() => Promise.all([close(), server.end()]));
    }

    it("does with the shortest program what docs/clients.md says", async () => {
      expect(await ask(allow(site()))).to.deep.equal(["ALLOW", "ALLOW", "TERMINATE"]);
    }).timeout(60_000);

    it("gets nothing from a server that does not name its origin", async () => {
      const refused = await ask({ KILLCORD_CORS_ORIGINS: "http://127.0.0.1:1" }).catch(String);
      expect(refused).to.match(/Failed to fetch/);
    }).timeout(60_000);
  });
});
