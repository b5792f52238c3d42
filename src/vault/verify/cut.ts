/** Cuts the lines of a large bundle into pieces that fit into memory. */
import { limits } from "../../limits.js";

/** The bytes of a file, wherever it lies. */
export interface ByteSource {
  readonly size: number;
  /** Exactly so many bytes, which have to be there. */
  readonly read: (offset: number, length: number) => Promise<Uint8Array>;
}

/** Whole lines, each with its newline. */
export interface Piece {
  readonly bytes: Uint8Array;
  /** Whether the file ends with it; then it holds at least its last two lines, if it has two. */
  readonly final: boolean;
}

const newline = 0x0a;

/** The first line without its newline, or null when it is longer than a line may be, or is not ended. */
export async function firstLine(source: ByteSource): Promise<Uint8Array | null> {
  const longest = Math.min(source.size, limits.bundle_line_bytes + 1);
  for (let length = Math.min(longest, limits.verified_piece_bytes); ; length = longest) {
    const bytes = await source.read(0, length);
    const end = bytes.indexOf(newline);
    if (end >= 0 || length === longest) {
      return end < 0 ? null : bytes.subarray(0, end);
    }
  }
}

/**
 * Everything from an offset on, which a line begins at, of a file that ends in a newline.
 *
 * @param piece_bytes size of a piece, unless three lines need more
 */
export async function* cut(source: ByteSource, start: number, piece_bytes: number): AsyncGenerator<Piece> {
  let offset = start;
  let length = piece_bytes;
  while (true) {
    const rest = source.size - offset;
    if (rest <= length) {
      yield { bytes: await source.read(offset, rest), final: true };
      return;
    }
    const bytes = await source.read(offset, length);
    const end = beforeLastTwo(bytes);
    if (end > 0) {
      yield { bytes: bytes.slice(0, end), final: false };
      offset += end;
      length = piece_bytes;
    } else if (length > 4 * limits.bundle_line_bytes) {
      // A line that no bundle has. An empty one takes its place, which has none in a bundle either.
      const whole = bytes.lastIndexOf(newline) + 1;
      const shortened = bytes.slice(0, whole + 1);
      shortened[whole] = newline;
      yield { bytes: shortened, final: false };
      return;
    } else {
      length *= 2;
    }
  }
}

/** The end of the whole lines but for the last two: those may be the last of the file. */
function beforeLastTwo(bytes: Uint8Array): number {
  let end = bytes.lastIndexOf(newline);
  for (let i = 0; i < 2 && end > 0; i++) {
    end = bytes.lastIndexOf(newline, end - 1);
  }
  return end + 1;
}
