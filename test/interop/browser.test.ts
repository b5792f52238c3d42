/**
 * `npm test -- interop-browser` finds a Chromium and bundles the page; both stay until the next run.
 */
import { readFileSync } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import { chromium } from "playwright-core";
import type { Protocol } from "./browser/page.js";
import { isContained, refusal_with_details } from "./containment.js";
import { type Client, type Place, sayings } from "./program.js";

const folder = ".build/interop/browser";

for (const protocol of ["connect", "grpc-web"] as const) {
  describe(`an agent in a page, on connect-web's ${protocol} transport`, () => {
    isContained((place) => openPage(place, protocol), refusal_with_details);
  });
}

async function openPage(place: Place, protocol: Protocol): Promise<Client> {
  const site = await servePage(place.url);
  const browser = await chromium.launch({
    executablePath: readFileSync(`${folder}/chromium.txt`, "utf8"),
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
  });
  const page = await browser.newPage();
  const said = new PassThrough();
  let why = "the page came to its end";
  page.on("console", (message) => {
    const line = message.text();
    // Chromium itself reports each refused request there.
    if (message.type() === "log") {
      said.write(`${line}\n`);
    } else {
      why = line;
    }
  });
  await page.goto(site.url);
  page
    .evaluate((words) => (globalThis as unknown as Page).takeSteps(...words), [
      site.url,
      place.api_key,
      protocol,
    ] as Parameters<Page["takeSteps"]>)
    .catch((error) => {
      why = String(error);
    })
    .finally(() => said.end());
  return {
    next: sayings(said, async () => why),
    end: async () => {
      await browser.close();
      site.close();
    },
  };
}

interface Page {
  takeSteps(url: string, api_key: string, protocol: Protocol): Promise<void>;
}

/** The page on an origin of its own, which passes on to the server what is not the page. */
async function servePage(server: string): Promise<{ readonly url: string; close(): void }> {
  const site = createServer((incoming, reply) => {
    if (incoming.url === "/") {
      reply.setHeader("content-type", "text/html");
      reply.end('<!doctype html><title>agent</title><script type="module" src="page.js"></script>');
    } else if (incoming.url === "/page.js") {
      reply.setHeader("content-type", "text/javascript");
      reply.end(readFileSync(`${folder}/page.js`));
    } else {
      const { method, headers } = incoming;
      const passed = request(server + incoming.url, { method, headers }, (answer) => {
        reply.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(reply);
      });
      passed.on("error", () => reply.destroy());
      incoming.pipe(passed);
    }
  });
  await new Promise<void>((yes) => site.listen(0, "127.0.0.1", yes));
  return {
    url: `http://127.0.0.1:${(site.address() as AddressInfo).port}`,
    close: () => {
      site.close();
      site.closeAllConnections();
    },
  };
}
