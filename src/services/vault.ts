/** VaultService: reads the sealed log. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Entry,
  EntrySchema,
  type VaultService,
  type WatchEntriesRequest,
  type WatchEntriesResponseSchema,
} from "../../gen/killcord/v1/vault_pb.js";
import { limits } from "../limits.js";
import type { SealedEntry } from "../vault/entry.js";
import { type Context, faultOf } from "./context.js";
import type { Call } from "./door.js";
import { KillcordError } from "./errors.js";
import type { Handlers } from "./handlers.js";
import { given, timestamp } from "./view.js";
import { placeOf, readerOf, revisionOf } from "./watch.js";

export function vaultService(context: Context): Handlers<typeof VaultService> {
  const { engine, vault } = context;
  return {
    getEntry: async ({ entryId }) => {
      const sequence = sequenceIn(entryId);
      const entry = sequence < engine.projection.size ? await vault.entry(sequence) : null;
      if (entry === null || (entryId.startsWith("ve_") && entry.entry_id !== entryId)) {
        throw new KillcordError("entry_not_found", `there is no entry ${entryId} in this log`);
      }
      return { entry: entryView(entry) };
    },
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
    watchEntries: (request, call) => watchEntries(context, request, call),
    exportBundle: () => exportBundle(context),
  };
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

async function* exportBundle({ engine, vault }: Context) {
  const encoder = new TextEncoder();
  yield { path: "trust.json", chunk: encoder.encode(vault.trust()) };
  for await (const chunk of chunks(vault.bundle(engine.projection.size))) {
    yield { path: "bundle.json", chunk: encoder.encode(chunk) };
  }
}

/** Gathers pieces of ASCII text into chunks of the size that a message may have. */
async function* chunks(pieces: AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  let gathered = "";
  for await (const piece of pieces) {
    gathered += piece;
    while (gathered.length >= limits.export_chunk_bytes) {
      yield gathered.slice(0, limits.export_chunk_bytes);
      gathered = gathered.slice(limits.export_chunk_bytes);
    }
  }
  if (gathered.length > 0) {
    yield gathered;
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
