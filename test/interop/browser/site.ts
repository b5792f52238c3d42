/** A page in a real Chromium, on an origin of its own, whose console a test reads. */
import { readFileSync } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import { chromium, type Page } from "playwright-core";

/** What `npm test -- interop-browser` has put there: the bundle of page.ts, and where a Chromium is. */
const agent_folder = ".build/interop/browser";

export interface OpenPage {
  readonly page: Page;
  /** Where the page's calls go. */
  readonly url: string;
  /** What it logs, a line each; ends when the test says so. */
  readonly console: PassThrough;
  /** The newest error or warning on its console. */
  complaint(): string;
  close(): Promise<void>;
}

/** Opens it; `server` is where the calls of the page get to, `folder` where its program is. */
export async function openPage(server: string, folder = agent_folder): Promise<OpenPage> {
  const site = await servePage(server, folder);
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
  await page.goto(site.url);
  return {
    page,
    url: site.url,
    console: said,
    complaint: () => complaint,
    close: async () => {
      await browser.close();
      site.close();
    },
  };
}

/** Serves the page, and passes on to the server what is not the page. */
async function servePage(server: string, folder: string): Promise<{ readonly url: string; close(): void }> {
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
