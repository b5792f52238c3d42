/** Bounds of the log, of what is published of it and of its verifier; limits.ts has them beside the others. */
export const evidence_limits = {
  /** The body of add-checkpoint: a proof and a note with its lines. Requests that one witness has open. */
  witness_request_bytes: 64 * 1024,
  witness_connections: 256,
  /** How long a log waits for a witness, how much longer when the quorum has signed, and what it reads. */
  witness_ms: 1_000,
  witness_grace_ms: 50,
  witness_reply_bytes: 16 * 1024,
  /** Witnesses of one log. */
  witnesses: 32,
  /** Indexes are below 2^48 (vault-format.md, 4). */
  sequence_max: 2 ** 48 - 1,
  /** One line of a bundle, far above an entry's: a header lists every key. Nested containers in it (vault-format.md, 9 B). */
  bundle_line_bytes: 16 * 1024 * 1024,
  bundle_line_depth: 34,
  /** Of a bundle larger than this a verifier reads pieces of this size, so many for each of its threads ahead. */
  verified_whole_bytes: 4 * 1024 * 1024,
  verified_piece_bytes: 256 * 1024,
  verified_pieces_ahead: 2,
  /** Signature lines of a note (vault-format.md, 6). */
  note_signatures: 100,
  /** Hashes from a leaf to the root (vault-format.md, 6). */
  proof_hashes: 63,
  /** A receipt or a proof, far above the largest entry with its checkpoint. */
  receipt_bytes: 1024 * 1024,
  /** Characters of any base64 text that a verifier decodes: signatures, keys, hashes. */
  base64_characters: 65_536,
  /** Parents that a verifier follows, of a session or of a credential: keeps a replay linear. */
  verified_levels: 64,

  /** A checkpoint is begun so long after the log has grown: it is shown within a second. */
  checkpoint_ms: 700,
  /** Leaves that wait in memory for the next checkpoint; more are read back from the store. */
  leaves_pending: 32_768,
  /** Tiles that are written beside each other, and gathered before they are written. */
  tiles_written_at_once: 3,
  tiles_gathered: 128,
  /** Leaves that are hashed in one turn of the event loop: about a fifth of a millisecond. */
  leaves_added_at_once: 32,
  /** A file of checkpoints.log is followed by another above this; signatures that a start checks in it. */
  checkpoints_file_bytes: 64 * 1024 * 1024,
  checkpoints_checked_at_start: 256,
  /** A start wants so much room on the disk of the data directory. */
  free_bytes: 64 * 1024 * 1024,
  /** Entries after a snapshot that make the next one worth while. */
  snapshot_entries: 20_000,
  /** Old entries are read again, all of them in this time; two steps of it are at least so far apart. */
  scrub_ms: 24 * 3600 * 1000,
  scrub_step_ms_min: 50,
  /** Newest checkpoints whose roots `vault check` computes anew, and bad files of the static log it names. */
  checkpoints_compared: 256,
  files_named: 20,
  /** How long a receipt waits for a checkpoint that covers its entry, and an export for its end. */
  receipt_wait_ms: 2000,
} as const;
