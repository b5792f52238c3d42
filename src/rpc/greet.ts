/** Tells by its first bytes which version of HTTP a new connection speaks. */
import type { Socket } from "node:net";

/** The first line of an HTTP/2 client's preface begins so; no method of HTTP/1.1 does. */
const preface = Buffer.from("PRI");

/**
 * Calls `welcome` once with the version, all bytes still to be read. A socket that does not say
 * enough within `silent_ms` is closed.
 *
 * The bytes are read on "readable" and put back: with "data" and a pause, Node 20 loses them.
 */
export function greet(socket: Socket, silent_ms: number, welcome: (version: 1 | 2) => void): void {
  let head = Buffer.alloc(0);
  const silence = setTimeout(() => socket.destroy(), silent_ms);
  const forget = () => {
    clearTimeout(silence);
    socket.off("readable", listen).off("close", forget);
  };
  const listen = () => {
    const chunk: Buffer | null = socket.read();
    head = chunk === null ? head : Buffer.concat([head, chunk]);
    const undecided = head.length < preface.length && preface.subarray(0, head.length).equals(head);
    if (!undecided) {
      forget();
      socket.unshift(head);
      welcome(head.subarray(0, preface.length).equals(preface) ? 2 : 1);
    }
  };
  socket.on("readable", listen).on("close", forget);
}
