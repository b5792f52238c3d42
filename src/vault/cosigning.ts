import type { SignedNote } from "./checkpoint-signer.js";
import type { WitnessPolicy } from "./witness-policy.js";

/** The witnesses of a log, as far as publishing has to know them. */
export interface Cosigning {
  /** Whom trust.json names; null names nobody. */
  readonly policy: WitnessPolicy | null;
  /**
   * Asks them to sign a checkpoint, which is in checkpoints.log then: the note with their lines, or null
   * when too few have signed. Then the one before is shown on.
   *
   * @param prove gives the consistency proof from an earlier size to this checkpoint
   * @throws {Error} when one of them shows that this log must not go on
   */
  readonly cosign: (
    signed: SignedNote,
    prove: (size: number) => Promise<readonly Uint8Array[]>,
  ) => Promise<string | null>;
  /** Whether enough of them have signed a note. */
  readonly isWitnessed: (note: string) => boolean;
}

/** For work on a stopped log: whether its witnesses have signed the newest checkpoint is the server's to ask. */
export const nothing_new_shown: Cosigning = {
  policy: null,
  cosign: async () => null,
  isWitnessed: () => true,
};
