/**
 * The hash and signature functions that a verifier is given, so that the same files run in Node, in
 * workers and in a browser. None of them throws: whatever is malformed does not verify.
 */
export interface VerifyCrypto {
  /** SHA-256, 32 bytes. */
  readonly sha256: (bytes: Uint8Array) => Uint8Array;
  /** SHA-256 of a text's UTF-8: 32 bytes, and as lower-case hex. */
  readonly sha256Text: (text: string) => Uint8Array;
  readonly sha256Hex: (text: string) => string;
  /**
   * ECDSA P-256 with SHA-256 over the message. The key is an SPKI DER with an uncompressed point, the
   * signature strict DER; a high s is fine.
   */
  readonly verifyP256: (spki: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;
  /** Ed25519 with the raw 32 bytes of the public key. */
  readonly verifyEd25519: (key: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;
}
