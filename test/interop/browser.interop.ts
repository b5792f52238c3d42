import { expect } from "chai";
import { type Served, serve } from "../server/served.js";
import type { Protocol, TakeSteps } from "./browser/page.js";
import { openPage } from "./browser/site.js";
import { isContained, refusal_with_details } from "./containment.js";
import { type Client, type Place, sayings } from "./program.js";

for (const protocol of ["connect", "grpc-web"] as const) {
  describe(`an agent in a page, on connect-web's ${protocol} transport`, () => {
    isContained((place) => openAgent(place, protocol), refusal_with_details);
  });
}

async function openAgent({ url: server, api_key }: Place, protocol: Protocol): Promise<Client> {
  const { page, url, console, complaint, close } = await openPage(server);
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
  let server: Served;
  before(async () => {
    server = await serve();
  });
  after(async () => {
    await server?.end();
  });

  it("does with the shortest program what docs/clients.md says", async () => {
    const { page, url, close } = await openPage(server.url);
    const asked = page.evaluate(
      async (words) => {
        const shown: string[] = [];
        const { ask } = globalThis as unknown as { ask: typeof import("../../examples/web/agent.js").ask };
        await ask(...words, (verdict) => shown.push(verdict));
        return shown;
      },
      [url, server.admin_key] as const,
    );
    const verdicts = await asked.finally(close);
    expect(verdicts).to.deep.equal(["ALLOW", "ALLOW", "TERMINATE"]);
  }).timeout(60_000);
});
