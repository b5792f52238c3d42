import { expect } from "chai";
import { ConfigError } from "../../src/cli/address.js";
import { readConfig, shownConfig } from "../../src/cli/config.js";

function refusal(environment: Readonly<Record<string, string>>): string {
  try {
    readConfig({}, environment, undefined);
  } catch (error) {
    expect(error).to.be.instanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  throw new Error("the settings were taken");
}

const tls = { KILLCORD_TLS_CERT: "cert.pem", KILLCORD_TLS_KEY: "key.pem" };

describe("the settings of the port", () => {
  it("an address beyond this machine needs TLS, or that somebody says so aloud", () => {
    for (const host of ["0.0.0.0", "192.0.2.1", "[::]", "killcord.example.com"]) {
      const listen = { KILLCORD_LISTEN: `${host}:7411` };
      expect(refusal(listen)).to.include("--tls-cert").and.include("--insecure");
      expect(readConfig({}, { ...listen, ...tls }, undefined).tls?.cert).to.equal("cert.pem");
      expect(readConfig({}, { ...listen, KILLCORD_INSECURE: "true" }, undefined).tls).to.equal(null);
    }
    for (const host of ["127.0.0.1", "127.9.9.9", "[::1]", "localhost"]) {
      expect(readConfig({}, { KILLCORD_LISTEN: `${host}:1` }, undefined).tls).to.equal(null);
    }
  });

  it("a certificate and its key belong together, and flags win", () => {
    expect(refusal({ KILLCORD_TLS_CERT: "cert.pem" })).to.include("belong together");
    expect(refusal({ KILLCORD_TLS_KEY: "key.pem" })).to.include("belong together");
    expect(refusal({ KILLCORD_TLS_CLIENT_CA: "ca.pem" })).to.include("belong together");
    const config = readConfig({ tls_key: "flag.pem" }, { ...tls, KILLCORD_TLS_CLIENT_CA: "" }, undefined);
    expect(config.tls).to.deep.equal({ cert: "cert.pem", key: "flag.pem", client_ca: null });
    expect(shownConfig(config)).to.deep.include({ tls: config.tls, cors_origins: [] });
  });

  it("a stop's deadline is whole seconds, from a flag or a variable", () => {
    const read = (text: string) => readConfig({}, { KILLCORD_HALT_CONFIRM_SECONDS: text }, undefined);
    expect(readConfig({}, {}, undefined).halt_confirm_seconds).to.equal(10);
    expect(read("300").halt_confirm_seconds).to.equal(300);
    const flag = { halt_confirm_seconds: "3" };
    expect(readConfig(flag, { KILLCORD_HALT_CONFIRM_SECONDS: "4" }, undefined).halt_confirm_seconds).to.equal(
      3,
    );
    for (const text of ["0", "301", "1.5", "-1", "10s", ""]) {
      expect(refusal({ KILLCORD_HALT_CONFIRM_SECONDS: text })).to.include("from 1 to 300");
    }
  });

  it("so is the time to settle an estimate", () => {
    const read = (text: string) => readConfig({}, { KILLCORD_SETTLE_TIMEOUT_SECONDS: text }, undefined);
    expect(readConfig({}, {}, undefined).settle_timeout_seconds).to.equal(600);
    expect(read("86400").settle_timeout_seconds).to.equal(86_400);
    for (const text of ["0", "86401", "1.5"]) {
      expect(refusal({ KILLCORD_SETTLE_TIMEOUT_SECONDS: text })).to.include("from 1 to 86400");
    }
  });

  it("a schedule of drills is a cron expression of five fields", () => {
    const read = (text: string) =>
      readConfig({}, { KILLCORD_DRILL_SCHEDULE: text }, undefined).drill_schedule;
    expect(read("")).to.equal(null);
    expect(read("*/15 6-20 * * MON-FRI")).to.equal("*/15 6-20 * * MON-FRI");
    for (const text of ["daily", "* * * *", "0 0 6 * * *", "61 * * * *"]) {
      expect(refusal({ KILLCORD_DRILL_SCHEDULE: text })).to.include("no cron expression");
    }
  });

  it("origins are taken exactly as browsers send them, and nothing else is", () => {
    const read = (text: string) => readConfig({}, { KILLCORD_CORS_ORIGINS: text }, undefined).cors_origins;
    expect(read("")).to.deep.equal([]);
    expect(read("https://a.example, http://127.0.0.1:3000")).to.deep.equal([
      "https://a.example",
      "http://127.0.0.1:3000",
    ]);
    const wrong = [
      "*",
      "null",
      "a.example",
      "https://a.example/",
      "https://a.example:443",
      "https://A.example",
    ];
    for (const each of wrong) {
      expect(refusal({ KILLCORD_CORS_ORIGINS: each }), each).to.include(`"${each}" is no origin`);
    }
  });
});
