/** Reads the server's certificate and key from their files. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { TlsIdentity } from "../rpc/tls.js";
import { CommandFailure, systemReason } from "./failure.js";
import type { TlsFiles } from "./setting-values.js";

/**
 * Reads what the settings name, and makes sure that it can be served: better a start that says what is
 * wrong than a handshake that fails for every client.
 *
 * @throws {CommandFailure} start.tls
 */
export function readIdentity({ cert, key, client_ca }: TlsFiles): TlsIdentity {
  const identity = {
    cert: read("tls_cert", cert),
    key: read("tls_key", key),
    client_ca: client_ca === null ? null : read("tls_client_ca", client_ca),
  };
  const certificate = parsed("tls_cert", cert, "certificate", () => new X509Certificate(identity.cert));
  const private_key = parsed("tls_key", key, "private key without a passphrase", () =>
    createPrivateKey(identity.key),
  );
  if (identity.client_ca !== null) {
    const authority = identity.client_ca;
    parsed("tls_client_ca", String(client_ca), "certificate", () => new X509Certificate(authority));
  }
  if (!certificate.checkPrivateKey(private_key)) {
    throw refused(
      `the key in ${key} is not that of the certificate in ${cert}: the certificate comes first in its file, those that signed it after it`,
    );
  }
  return identity;
}

/** When the certificate ends, for the log. */
export function expiryOf({ cert }: TlsIdentity): string {
  return new Date(new X509Certificate(cert).validTo).toISOString();
}

function read(setting: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw refused(`${setting}: cannot read ${file}: ${systemReason(error)}`);
  }
}

/** What OpenSSL says of a file is not repeated: it is of no use to people. */
function parsed<T>(setting: string, file: string, what: string, parse: () => T): T {
  try {
    return parse();
  } catch {
    throw refused(`${setting}: ${file} holds no ${what} in PEM`);
  }
}

function refused(message: string): CommandFailure {
  return new CommandFailure("start.tls", 1, message);
}
