// One text for each sequence of bytes: the bits that padding leaves over are zero.
const strict = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$/;

/** Whether a text is standard, padded base64 that decodes and encodes to itself (vault-format.md). */
export function isBase64(text: string): boolean {
  return strict.test(text);
}
