/** Tells a client that came in the clear to a port of TLS what is wrong, in its own version of HTTP. */
import { constants } from "node:http2";
import type { Socket } from "node:net";

const text = "this port speaks TLS: use https\n";

/** Answers and closes; nothing of the request is read but thrown away, for at most `linger_ms`. */
export function refusePlaintext(socket: Socket, version: 1 | 2, linger_ms: number): void {
  const timer = setTimeout(() => socket.destroy(), linger_ms);
  socket.once("close", () => clearTimeout(timer));
  // Closing on unread bytes would reset the connection, and the client lose the answer.
  socket.resume();
  socket.end(version === 1 ? refusal1() : refusal2());
}

function refusal1(): string {
  const head = `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}`;
  return `${head}\r\nConnection: close\r\n\r\n${text}`;
}

/** Empty SETTINGS, then GOAWAY with its reason. */
function refusal2(): Buffer {
  const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
  const goaway = Buffer.alloc(9 + 8);
  goaway.writeUIntBE(8 + text.length, 0, 3);
  goaway[3] = 7;
  goaway.writeUInt32BE(constants.NGHTTP2_INADEQUATE_SECURITY, 13);
  return Buffer.concat([settings, goaway, Buffer.from(text)]);
}
