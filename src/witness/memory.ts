/**
 * What a witness remembers: of each log the last checkpoint that it cosigned, with its own signature and
 * no other line, which a stranger could have put there. So nothing but a whole record reads as one.
 */
import { createHash } from "node:crypto";
import { open, readdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { Level } from "level";
import { type Checkpoint, parseCheckpoint } from "../vault/checkpoint.js";
import { syncDirectory } from "../vault/files.js";
import { node_crypto } from "../vault/node-crypto.js";
import { type NoteKey, openNote, parseNote, parseNoteKey } from "../vault/note.js";
import { WitnessError } from "./witness-error.js";

const suffix = ".checkpoint";

/** The checkpoints of a folder, held by one process at a time. */
export class Memory {
  readonly #latest = new Map<string, Checkpoint>();
  readonly #lock: Level;
  private readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
    // Of LevelDB only its lock is used: it is let go when the process dies, whatever way.
    this.#lock = new Level(join(directory, "lock"));
  }

  /**
   * Reads every record and holds the folder.
   *
   * @param vkey the witness's own, by which its records are known
   * @throws {WitnessError} when another process has it, or a record is damaged: to forget one would let
   *   its log go back
   */
  static async open(directory: string, vkey: string): Promise<Memory> {
    const memory = new Memory(directory);
    await memory.#lock.open().catch((error: unknown) => {
      throw new WitnessError(`another witness runs in ${directory}, or it cannot be written`, error);
    });
    const own = parseNoteKey(vkey, node_crypto.sha256) as NoteKey;
    for (const file of await readdir(directory)) {
      if (file.endsWith(suffix)) {
        const checkpoint = readRecord(await readFile(join(directory, file)), own);
        if (checkpoint === null || file !== fileOf(checkpoint.origin)) {
          await memory.close();
          throw new WitnessError(`${join(directory, file)} is damaged: restore it from the newest backup`);
        }
        memory.#latest.set(checkpoint.origin, checkpoint);
      }
    }
    return memory;
  }

  /** The last checkpoint of a log that was cosigned, or null. */
  latest(origin: string): Checkpoint | null {
    return this.#latest.get(origin) ?? null;
  }

  /** Remembers a checkpoint: on disk when this resolves. One call at a time for each log. */
  async keep(checkpoint: Checkpoint, cosigned_note: string): Promise<void> {
    const path = join(this.directory, fileOf(checkpoint.origin));
    {
      await using handle = await open(`${path}.new`, "w", 0o600);
      await handle.writeFile(cosigned_note);
      await handle.sync();
    }
    await rename(`${path}.new`, path);
    await syncDirectory(this.directory);
    this.#latest.set(checkpoint.origin, checkpoint);
  }

  close(): Promise<void> {
    return this.#lock.close();
  }
}

/** Origins hold characters that a file's name cannot. */
function fileOf(origin: string): string {
  return `${createHash("sha256").update(origin).digest("hex")}${suffix}`;
}

function readRecord(bytes: Uint8Array, own: NoteKey): Checkpoint | null {
  const note = parseNote(bytes);
  return note === null || "code" in openNote(note, [own], node_crypto) ? null : parseCheckpoint(note.text);
}
