// The container's health check: whether the server in it answers. Exit status 0 says yes.
import { get as getInClear } from "node:http";
import { get as getOverTls } from "node:https";

const { KILLCORD_LISTEN: listen = "127.0.0.1:7411", KILLCORD_TLS_CERT: certificate } = process.env;
const get = certificate === undefined ? getInClear : getOverTls;
const target = {
  host: "127.0.0.1",
  port: listen.slice(listen.lastIndexOf(":") + 1),
  path: "/healthz",
  // It asks itself, by an address that its certificate does not name.
  rejectUnauthorized: false,
};

get(target, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1)).on("error", () => process.exit(1));
