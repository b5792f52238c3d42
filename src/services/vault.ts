/** VaultService: reads the sealed log. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Entry,
  EntrySchema,
  type ExportBundleRequest,
  type VaultService,
  type WatchEntriesRequest,
  type WatchEntriesResponseSchema,
} from "../../gen/killcord/v1/vault_pb.js";
import { limits } from "../limits.js";
import { toBase64 } from "../vault/encoding.js";
import type { SealedEntry } from "../vault/entry.js";
import { exportFiles, inPieces, NoEvidence, tlogProof } from "../vault/evidence.js";
import { checkpointAt, covering, newest } from "./checkpoint.js";
import { type Context, faultOf } from "./context.js";
import type { Call } from "./door.js";
import { KillcordError } from "./errors.js";
import type { Handlers } from "./handlers.js";
import { invalid } from "./validate.js";
import { given, timestamp } from "./view.js";
import { placeOf, readerOf, revisionOf } from "./watch.js";

export function vaultService(context: Context): Handlers<typeof VaultService> {
  const { engine, vault } = context;
  return {
    getEntry: async ({ entryId }) => ({ entry: entryView(await sealedEntry(context, entryId)) }),
    listEntries: async ({ fromSequence, pageSize }) => {
      const size = pageSize === 0 ? limits.page_size_default : Math.min(pageSize, limits.page_size_max);
      const from = Number(fromSequence);
      const entries: Entry[] = [];
      for await (const entry of vault.read(
        from,
        Math.max(0, Math.min(size, engine.projection.size - from)),
      )) {
        entries.push(entryView(entry));
      }
      return { entries, total: BigInt(engine.projection.size) };
    },
    getCheckpoint: async ({ size }) => {
      const { note } = size === 0n ? newest(context) : await checkpointAt(context, Number(size));
      const [, digits = "", root = ""] = note.split("\n");
      return { size: BigInt(digits), root, note };
    },
    getInclusionProof: async ({ entryId, size }) => {
      const entry = await sealedEntry(context, entryId);
      const { sequence_number } = entry;
      const checkpoint =
        size === 0n ? await covering(context, sequence_number) : await checkpointAt(context, Number(size));
      if (sequence_number >= checkpoint.size) {
        throw invalid([{ field: "size", issue: `a checkpoint at ${size} does not cover this entry` }]);
      }
      const hashes = await vault.publication.prover(checkpoint.size).inclusion(sequence_number);
      return {
        sequenceNumber: BigInt(sequence_number),
        size: BigInt(checkpoint.size),
        hashes: hashes.map(toBase64),
        tlogProof: await tlogProof(vault, entry, checkpoint),
      };
    },
    watchEntries: (request, call) => watchEntries(context, request, call),
    exportBundle: (request) => exportBundle(context, request),
  };
}

/** @throws {KillcordError} entry_not_found */
async function sealedEntry({ engine, vault }: Context, entry_id: string): Promise<SealedEntry> {
  const sequence = sequenceIn(entry_id);
  const entry = sequence < engine.projection.size ? await vault.entry(sequence) : null;
  if (entry === null || (entry_id.startsWith("ve_") && entry.entry_id !== entry_id)) {
    throw new KillcordError("entry_not_found", `there is no entry ${entry_id} in this log`);
  }
  return entry;
}

/** An entry's id begins with its index. */
function sequenceIn(entry_id: string): number {
  return entry_id.startsWith("ve_") ? Number.parseInt(entry_id.slice(3, 15), 16) : Number(entry_id);
}

async function* watchEntries(
  context: Context,
  request: WatchEntriesRequest,
  call: Call,
): AsyncGenerator<MessageInitShape<typeof WatchEntriesResponseSchema>, void, undefined> {
  const { engine, vault } = context;
  const from = firstEntry(context, request);
  try {
    for await (const told of engine.follower.entries(from, readerOf(context, call))) {
      if (told.type === "bookmark") {
        const value = { draining: told.draining };
        yield { update: { case: "bookmark", value }, ...placeOf(context, told.revision) };
        continue;
      }
      for await (const entry of vault.read(told.from, told.to - told.from)) {
        const value = entryView(entry);
        yield { update: { case: "entry", value }, ...placeOf(context, entry.sequence_number) };
      }
    }
  } catch (error) {
    throw faultOf(error);
  }
}

/** @throws {KillcordError} data_loss when the log does not reach so far */
function firstEntry(context: Context, { fromSequence, resumeToken }: WatchEntriesRequest): number {
  const { size } = context.engine.projection;
  const seen = revisionOf(context, resumeToken);
  const from = seen === null ? Number(fromSequence ?? size) : seen + 1;
  if (from > size) {
    throw new KillcordError(
      "data_loss",
      `from_sequence is ${from}, and this log has ${size} entries: if it had more before, it was rolled back`,
    );
  }
  return from;
}

async function* exportBundle(context: Context, request: ExportBundleRequest) {
  const { engine, vault } = context;
  const session_id = request.sessionId ?? null;
  const { size } =
    request.size === 0n
      ? await covering(context, engine.projection.size - 1)
      : await checkpointAt(context, Number(request.size));
  try {
    yield* inPieces(exportFiles(vault, { size, session_id }), limits.export_chunk_bytes);
  } catch (error) {
    if (error instanceof NoEvidence) {
      throw new KillcordError("session_not_found", error.message);
    }
    throw error;
  }
}

function entryView(entry: SealedEntry): Entry {
  return create(EntrySchema, {
    sequenceNumber: BigInt(entry.sequence_number),
    entryId: entry.entry_id,
    event: String((JSON.parse(entry.content) as { readonly event: unknown }).event),
    signedAt: timestamp(Date.parse(entry.signed_at)),
    leaf: entry.leaf,
    content: entry.content,
    ...given("details", entry.details),
  });
}
