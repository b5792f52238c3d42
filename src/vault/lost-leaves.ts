/**
 * Leaves that the store holds damaged, found again in the entry bundles of the static log. Nothing is
 * believed of them here: read with them in their places, the store has to pass the whole check, down to
 * its signed root.
 */
import { sameBytes } from "./encoding.js";
import { sha256 } from "./hash.js";
import type { Index, Journal, StoredEntry } from "./journal.js";
import { hash_bytes, leafHash } from "./merkle.js";
import type { StaticLog } from "./static-log.js";
import { tile_width } from "./tiles.js";

/** Leaves by the index of the entry whose stored one is another. */
export type Leaves = ReadonlyMap<Index, string>;

/** Compares the first `size` entries of the store with the static log. */
export async function lostLeaves(journal: Journal, log: StaticLog, size: number): Promise<Leaves> {
  const lost = new Map<Index, string>();
  let at = -1;
  let shown: Shown = { leaves: [], hashes: null };
  for await (const { leaf, sequence_number: index } of journal.read(0, size)) {
    const tile = Math.floor(index / tile_width);
    if (tile !== at) {
      at = tile;
      shown = await shownFrom(log, tile, Math.min(tile_width, size - tile * tile_width));
    }
    const hash = leafHash(Buffer.from(leaf, "latin1"), sha256);
    const genuine = genuineLeaf(shown, index % tile_width, hash);
    if (genuine !== null) {
      lost.set(index, Buffer.from(genuine).toString("latin1"));
    }
  }
  return lost;
}

/** A tile of hashes and the bundle of its leaves, as far as they can be read. */
interface Shown {
  readonly leaves: readonly Uint8Array[];
  readonly hashes: Uint8Array | null;
}

async function shownFrom(log: StaticLog, index: number, width: number): Promise<Shown> {
  const bundle = await log.read({ level: "entries", index, width });
  return {
    leaves: bundle === null ? [] : leavesIn(bundle),
    hashes: await log.read({ level: 0, index, width }),
  };
}

function leavesIn(bundle: Uint8Array): readonly Uint8Array[] {
  const leaves: Uint8Array[] = [];
  for (let at = 0; at + 2 <= bundle.length; ) {
    const end = at + 2 + (bundle[at] as number) * 256 + (bundle[at + 1] as number);
    leaves.push(bundle.subarray(at + 2, end));
    at = end;
  }
  return leaves;
}

/** The leaf of a bundle where the tile of hashes speaks for it and against the stored one, else null. */
function genuineLeaf({ leaves, hashes }: Shown, place: number, stored: Uint8Array): Uint8Array | null {
  const hash = hashes?.subarray(place * hash_bytes, (place + 1) * hash_bytes);
  const leaf = leaves[place];
  if (hash === undefined || leaf === undefined || sameBytes(hash, stored)) {
    return null;
  }
  return sameBytes(leafHash(leaf, sha256), hash) ? leaf : null;
}

/** The same journal, read with other leaves in the places of some. */
export function mended(journal: Journal, leaves: Leaves): Journal {
  return {
    open: () => journal.open(),
    append: (expected, batch) => journal.append(expected, batch),
    async *read(from, limit): AsyncGenerator<StoredEntry> {
      for await (const stored of journal.read(from, limit)) {
        yield { ...stored, leaf: leaves.get(stored.sequence_number) ?? stored.leaf };
      }
    },
    close: () => journal.close(),
  };
}
