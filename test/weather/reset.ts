import type { Socket } from "node:net";

/**
 * Resets a connection. A reset in the middle of an end is refused by libuv, and Node 20, which does not look,
 * keeps the socket for ever; one that is not connected yet has nothing to reset.
 */
export function reset(socket: Socket): void {
  if (socket.connecting || socket.writableEnded) {
    socket.destroy();
  } else {
    socket.resetAndDestroy();
  }
}
