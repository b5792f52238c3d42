/** Tells by its first bytes what a new connection speaks. */
import type { Socket } from "node:net";

/** HTTP/1.1, HTTP/2, or a TLS handshake that may bring either. */
export type Speech = 1 | 2 | "tls";

/** The first line of an HTTP/2 client's preface begins so; no method of HTTP/1.1 does. */
const preface = Buffer.from("PRI");

/** The first byte of a TLS handshake; no line of HTTP begins with it. */
const handshake_record = 0x16;

/**
 * Calls `welcome` once with what is spoken, all bytes still to be read. A socket that does not say
 * enough within `silent_ms` is closed.
 *
 * The bytes are read on "readable" and put back: with "data" and a pause, Node 20 loses them.
 */
export function greet(socket: Socket, silent_ms: number, welcome: (speech: Speech) => void): void {
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
      welcome(speechOf(head));
    }
  };
  socket.on("readable", listen).on("close", forget);
}

function speechOf(head: Buffer): Speech {
  if (head[0] === handshake_record) {
    return "tls";
  }
  return head.subarray(0, preface.length).equals(preface) ? 2 : 1;
}
