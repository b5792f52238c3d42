import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** Opens what node:http2 would open by itself, for those who want to hold on to the socket. */
export function socketTo(authority: URL): Socket {
  const host = authority.hostname.replace(/^\[|\]$/g, "");
  const secure = authority.protocol === "https:";
  const port = authority.port === "" ? (secure ? 443 : 80) : Number(authority.port);
  if (!secure) return connectTcp({ host, port });
  return connectTls({ host, port, servername: isIP(host) === 0 ? host : "", ALPNProtocols: ["h2"] });
}
