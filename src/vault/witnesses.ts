/** The asking side of witnessing: a checkpoint is shown when k of n witnesses signed it (vault-format.md, 6). */
import { limits } from "../limits.js";
import { formatAddCheckpoint } from "./add-checkpoint.js";
import { node_crypto } from "./node-crypto.js";
import { type NoteKey, openNote, parseNote } from "./note.js";
import { StartError } from "./start-error.js";
import type { WitnessAddress, WitnessPolicy } from "./witness-policy.js";

/** A checkpoint as the log signed it. */
export interface ToCosign {
  readonly size: number;
  /** With the log's own lines. */
  readonly note: string;
}

/** What one witness did with the newest checkpoint. */
export type WitnessAnswer =
  | { readonly name: string; readonly signed: true; readonly line: string; readonly time_seconds: number }
  | { readonly name: string; readonly signed: false; readonly why: string };

/** How the newest checkpoint stands. */
export interface WitnessState {
  readonly size: number;
  readonly quorum: number;
  /** Whether the quorum signed it. */
  readonly witnessed: boolean;
  readonly answers: readonly WitnessAnswer[];
}

/** Gives the consistency proof from an earlier size to the checkpoint that is asked about. */
export type Prove = (size: number) => Promise<readonly Uint8Array[]>;

export class Witnesses {
  readonly policy: WitnessPolicy;
  readonly #onAsked: (state: WitnessState) => void;
  /** The size that each witness cosigned last, as far as it told. */
  readonly #sizes = new Map<WitnessAddress, number>();
  #state: WitnessState | null = null;

  /** @param onAsked told each time after the witnesses were asked */
  constructor(policy: WitnessPolicy, onAsked: (state: WitnessState) => void = () => undefined) {
    this.policy = policy;
    this.#onAsked = onAsked;
  }

  /** Null before the first checkpoint. */
  get state(): WitnessState | null {
    return this.#state;
  }

  /**
   * Asks every witness to sign a checkpoint, all at once, for a second at most, and only a little longer
   * than the quorum takes.
   *
   * @returns the note with their lines, or null when fewer than the quorum signed
   * @throws {StartError} `start.behind_witness` when one of them knows a larger size
   */
  readonly cosign = async (checkpoint: ToCosign, prove: Prove): Promise<string | null> => {
    const { quorum } = this.policy;
    const answers = await this.#askAll(checkpoint, prove);
    const signed = answers.filter((answer) => answer.signed);
    const witnessed = signed.length >= quorum;
    this.#state = { size: checkpoint.size, quorum, witnessed, answers };
    this.#onAsked(this.#state);
    return witnessed ? checkpoint.note + signed.map(({ line }) => line).join("") : null;
  };

  /** Whether the quorum has signed a note. */
  readonly isWitnessed = (note: string): boolean => {
    const { witnesses, quorum } = this.policy;
    const parsed = parseNote(note);
    const keys = witnesses.map(({ key }) => key);
    const opened = parsed === null ? null : openNote(parsed, keys, node_crypto);
    return opened !== null && "signatures" in opened && opened.signatures.length >= quorum;
  };

  async #askAll(checkpoint: ToCosign, prove: Prove): Promise<readonly WitnessAnswer[]> {
    const { witnesses, quorum } = this.policy;
    const given_up = new AbortController();
    const found = new Map<WitnessAddress, WitnessAnswer>();
    const stopAfter = (wait_ms: number) => {
      const timer = setTimeout(() => given_up.abort(), wait_ms);
      given_up.signal.addEventListener("abort", () => clearTimeout(timer));
    };
    stopAfter(limits.witness_ms);
    const asked = witnesses.map(async (witness) => {
      found.set(witness, await this.#ask(witness, checkpoint, prove, given_up.signal));
      if ([...found.values()].filter((answer) => answer.signed).length === quorum) {
        stopAfter(limits.witness_grace_ms);
      }
    });
    try {
      // Those that are cut off say so at once.
      await Promise.all(asked);
    } finally {
      given_up.abort();
    }
    return witnesses.map((witness) => found.get(witness) as WitnessAnswer);
  }

  async #ask(
    witness: WitnessAddress,
    { size, note }: ToCosign,
    prove: Prove,
    signal: AbortSignal,
  ): Promise<WitnessAnswer> {
    const { name } = witness.key;
    const away = (why: string): WitnessAnswer => ({ name, signed: false, why });
    // Once with the size that we believe it to know, once with the size that it says.
    for (let attempt = 0; attempt < 2; attempt++) {
      const old_size = this.#sizes.get(witness) ?? 0;
      if (old_size > size) {
        throw behind(name, old_size, size);
      }
      const body = formatAddCheckpoint({ old_size, proof: await prove(old_size), note });
      const reply = await post(witness.url, body, signal);
      if (typeof reply === "string") {
        return away(reply);
      }
      if (reply.status === 200) {
        this.#sizes.set(witness, size);
        return cosignatureIn(note, reply.body, witness.key) ?? away("its answer is not its signature");
      }
      const known = reply.status === 409 ? sizeIn(reply.body) : null;
      if (known === null) {
        return away(`it answered ${reply.status}`);
      }
      this.#sizes.set(witness, known);
      if (known === old_size) {
        return away(`it has seen another log of ${known} entries under this name`);
      }
    }
    const known = this.#sizes.get(witness) ?? 0;
    if (known > size) {
      throw behind(name, known, size);
    }
    return away("it was asked by another at the same time");
  }
}

/** A witness has seen more of this log than this store has: it was rolled back, or runs twice. */
function behind(witness: string, theirs: number, ours: number): StartError {
  return new StartError(
    "start.behind_witness",
    `The witness ${witness} has seen ${theirs} entries of this log, and ${ours} are signed here. ` +
      "The store is an older copy, or another server runs on the same keys: stop that one, or restore the newest backup.",
  );
}

/** The size that a 409 tells, or null. */
function sizeIn(body: string): number | null {
  const size = Number(/^(0|[1-9][0-9]{0,15})\n$/.exec(body)?.[1]);
  return Number.isSafeInteger(size) ? size : null;
}

function cosignatureIn(note: string, body: string, key: NoteKey): WitnessAnswer | null {
  for (const row of body.split("\n")) {
    const parsed = parseNote(`${note}${row}\n`);
    const opened = parsed === null ? null : openNote(parsed, [key], node_crypto);
    const [signature] = opened !== null && "signatures" in opened ? opened.signatures : [];
    if (signature !== undefined) {
      const time_seconds = signature.time_seconds as number;
      return { name: key.name, signed: true, line: `${row}\n`, time_seconds };
    }
  }
  return null;
}

/** The answer, or why there is none. */
async function post(
  url: string,
  body: string,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly body: string } | string> {
  try {
    const reply = await fetch(`${url}/add-checkpoint`, { method: "POST", body, signal, redirect: "error" });
    return { status: reply.status, body: await textOf(reply) };
  } catch (error) {
    if (signal.aborted) {
      return "it did not answer in time";
    }
    const { message, cause } = error as Error;
    return `it cannot be reached: ${cause instanceof Error && cause.message !== "" ? cause.message : message}`;
  }
}

async function textOf(reply: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of reply.body ?? []) {
    length += chunk.length;
    if (length > limits.witness_reply_bytes) {
      return "";
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
