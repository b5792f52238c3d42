/** The drills of a server on a real port of its own. */
import { expect } from "chai";
import { pino } from "pino";
import { HaltService } from "../../gen/killcord/v1/halt_pb.js";
import { drillsOn, scheduleDrills } from "../../src/cli/drilling.js";
import { openServer, type RestHandler, type Server } from "../../src/rpc/server.js";
import type { TlsIdentity } from "../../src/rpc/tls.js";
import type { Log } from "../../src/services/call-log.js";
import type { Drills } from "../../src/services/drill.js";
import type { Rehearsed } from "../../src/services/rehearsal.js";
import { Room } from "../../src/services/room.js";
import { openDoor } from "../../src/services/workspace.js";
import { newPlace, type Place, type Running, verifiedFailures } from "../engine/place.js";
import { makeCertificate } from "../rpc/certificate.js";

const rest: RestHandler = {
  async handle(_, reply) {
    reply.statusCode = 404;
    reply.end();
  },
};

describe("the drill of a server", () => {
  let place: Place;
  let running: Running;
  let server: Server;
  let drills: Drills;
  let lines: Record<string, unknown>[];
  let log: Log;

  beforeEach(async () => {
    place = await newPlace();
    running = await place.start();
    lines = [];
    log = pino({ level: "info" }, { write: (line: string) => lines.push(JSON.parse(line)) });
  });
  afterEach(async () => {
    await server.close(0);
    await place.remove();
  });

  /** @param shown what the drill's client takes for the server's own certificate */
  async function listen(tls: TlsIdentity | null = null, shown = tls, host = "127.0.0.1"): Promise<void> {
    const { engine, vault } = running;
    const parts: { rehearsals?: Drills } = {};
    const door = openDoor({
      engine,
      vault,
      get rehearsals() {
        return parts.rehearsals as Drills;
      },
    });
    server = await openServer({ door, rest, host, port: 0, log, tls });
    const own_port = { host, port: server.address.port, identity: () => shown };
    drills = drillsOn({ engine, vault }, own_port, log);
    parts.rehearsals = drills;
  }

  function run(): Promise<Rehearsed> {
    const { key_id } = running.admin;
    return drills.run(
      {
        principal: { key_id: key_id as string, role: "operator" },
        request_id: "req_1",
        signal: new AbortController().signal,
        reply_headers: new Headers(),
        received_ms: performance.now(),
        share: new Room().enter(HaltService.method.drill),
      },
      "killcord-drill",
    );
  }

  const outcomes = async () =>
    (await running.events()).flatMap((event) => (event.event === "drill_ended" ? [event.outcome] : []));

  const warned = () =>
    lines
      .filter(({ msg }) => msg === "a drill was not confirmed")
      .map(({ missing, code }) => [missing, code]);

  it("goes over its port in the clear, and is confirmed", async () => {
    await listen();
    expect(await run()).to.include({ outcome: "confirmed", failure: null });
    expect(await outcomes()).to.deep.equal(["confirmed"]);
    expect(lines.filter(({ msg }) => msg === "a drill was confirmed")).to.have.lengthOf(1);
    expect(await verifiedFailures(running.vault)).to.deep.equal([]);
  });

  it("goes over TLS, to a certificate of any name and authority that is the server's own", async () => {
    await listen({ ...makeCertificate("killcord.example.com"), client_ca: null });
    expect(await run()).to.include({ outcome: "confirmed", failure: null });
  });

  it("shows that certificate where clients must have one of the server's authorities", async () => {
    const authority = makeCertificate("authority");
    const made = makeCertificate("killcord.example.com", authority);
    await listen({ ...made, client_ca: authority.cert });
    expect(await run()).to.include({ outcome: "confirmed", failure: null });
  });

  it("reaches a server that listens on every address", async () => {
    await listen(null, null, "0.0.0.0");
    expect(await run()).to.include({ outcome: "confirmed", failure: null });
  });

  it("tells no secret to who shows another certificate, and fails", async () => {
    const others = { ...makeCertificate("another"), client_ca: null };
    await listen(others, { ...makeCertificate("own"), client_ca: null });
    const { outcome, failure } = await run();
    expect(outcome).to.equal("unconfirmed");
    expect(warned()).to.deep.equal([["no session was opened", "unavailable"]]);
    expect(failure?.message).to.match(/the certificate of .* is not trusted/);
    expect(await outcomes()).to.deep.equal(["unconfirmed"]);
    expect(lines.some(({ code }) => code === "insufficient_permissions" || code === "ok")).to.equal(false);
  });

  it("fails when nobody listens, which is sealed and logged", async () => {
    await listen();
    await server.close(0);
    const { outcome, failure } = await run();
    expect(outcome).to.equal("unconfirmed");
    expect(failure?.message).to.match(/no session was opened: .*connection refused/);
    expect(await outcomes()).to.deep.equal(["unconfirmed"]);
    expect(warned()).to.deep.equal([["no session was opened", "unavailable"]]);
    expect(await verifiedFailures(running.vault)).to.deep.equal([]);
  });

  it("that runs by a schedule is ordered by a key whose secret nobody has", async () => {
    await listen();
    const schedule = scheduleDrills("0 0 1 1 *", running, drills, log);
    await schedule.runNow();
    schedule.end();
    expect(await outcomes()).to.deep.equal(["confirmed"]);
    const ordered = (await running.events()).find(({ event }) => event === "halt_requested");
    const key = running.engine.state.keys.get(ordered?.actor.key_id ?? "");
    expect([key?.name, key?.roles]).to.deep.equal(["killcord drill schedule", ["operator"]]);
    expect(await verifiedFailures(running.vault)).to.deep.equal([]);
  });
});
