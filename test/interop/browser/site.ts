/** A page in a real Chromium, on an origin of its own, whose console a test reads. */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import { chromium, type Page } from "playwright-core";

/** What `npm test -- interop-browser` has put there: the bundle of page.ts, and where a Chromium is. */
const agent_folder = ".build/interop/browser";

export interface OpenPage {
  readonly page: Page;
  /** What it logs, a line each; ends when the test says so. */
  readonly console: PassThrough;
  /** The newest error or warning on its console. */
  complaint(): string;
  close(): Promise<void>;
}

/** Where the page is served. */
export interface Site {
  readonly origin: string;
  /** Where its program is, and beside it the path of a Chromium. */
  readonly folder: string;
  close(): void;
}

/** Opens it in a browser of its own. */
export async function openPage({ origin, folder }: Site): Promise<OpenPage> {
  const browser = await chromium.launch({
    executablePath: readFileSync(`${folder}/chromium.txt`, "utf8"),
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
  });
  const page = await browser.newPage();
  const said = new PassThrough();
  let complaint = "it has no more to say";
  page.on("console", (message) => {
    // Chromium itself reports each refused request there, as an error.
    if (message.type() === "log") {
      said.write(`${message.text()}\n`);
    } else {
      complaint = message.text();
    }
  });
  await page.goto(origin);
  return {
    page,
    console: said,
    complaint: () => complaint,
    close: () => browser.close(),
  };
}

/** Serves a page on an origin of its own: no call to the server is a call to where the page is from. */
export async function servePage(folder = agent_folder): Promise<Site> {
  const site = createServer((request, reply) => {
    if (request.url === "/page.js") {
      reply.setHeader("content-type", "text/javascript");
      reply.end(readFileSync(`${folder}/page.js`));
    } else {
      reply.setHeader("content-type", "text/html");
      reply.end('<!doctype html><title>agent</title><script type="module" src="page.js"></script>');
    }
  });
  await new Promise<void>((yes) => site.listen(0, "127.0.0.1", yes));
  return {
    folder,
    origin: `http://127.0.0.1:${(site.address() as AddressInfo).port}`,
    close: () => {
      site.close();
      site.closeAllConnections();
    },
  };
}
