/**
 * The proxy as a program, for tests in other languages: `node dist/test/weather/run-proxy.js HOST:PORT`.
 * Its first line is `{"port": N}`; then each line that it reads is an order, which it answers with one
 * line, `ok`, when it is done. It ends with its input.
 *
 * ```
 * set {"up": "hold"}     clear     cut     half-close down     connected 2     held up     idle
 * ```
 */
import { createInterface } from "node:readline";
import { openProxy, type Way, type WeatherProxy } from "./proxy.js";

async function obey(proxy: WeatherProxy, order: string): Promise<void> {
  const [verb, ...words] = order.trim().split(" ");
  const rest = words.join(" ");
  switch (verb) {
    case "set":
      return proxy.set(JSON.parse(rest));
    case "clear":
      return proxy.clear();
    case "cut":
      return proxy.cut();
    case "half-close":
      return proxy.halfClose(rest as Way);
    case "retarget":
      return proxy.retarget(rest);
    case "connected":
      return proxy.connected(Number(rest));
    case "held":
      return proxy.held(rest as Way);
    case "idle":
      return proxy.idle();
    default:
      throw new Error(`the proxy takes no order ${order}`);
  }
}

const proxy = await openProxy(process.argv[2] ?? "");
process.stdout.write(`${JSON.stringify({ port: proxy.port })}\n`);
for await (const order of createInterface({ input: process.stdin })) {
  await obey(proxy, order);
  process.stdout.write("ok\n");
}
await proxy.close();
