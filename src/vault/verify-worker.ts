/** A thread that checks pieces of a bundle with Node's own functions. */
import { parentPort, workerData } from "node:worker_threads";
import { node_crypto } from "./node-crypto.js";
import type { Piece } from "./verify/cut.js";
import type { PieceContext } from "./verify/large.js";
import { checkPiece } from "./verify/piece.js";

const context = workerData as PieceContext;
const judging = context === null ? null : { ...context, crypto: node_crypto };

parentPort?.on("message", (piece: Piece) => {
  const checked = checkPiece(piece, judging);
  parentPort?.postMessage({ piece, checked }, [piece.bytes.buffer as ArrayBuffer]);
});
