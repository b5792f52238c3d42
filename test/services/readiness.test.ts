import { expect } from "chai";
import { openDoor } from "../../src/services/workspace.js";
import { intercept } from "../engine/asked.js";
import { newPlace, type Place } from "../engine/place.js";
import { FaultyJournal } from "../journal/faulty.js";
import { MemoryJournal } from "../journal/memory.js";

describe("why the door takes no commands", () => {
  let place: Place;
  beforeEach(async () => {
    place = await newPlace();
  });
  afterEach(() => place.remove());

  const codes = (door: ReturnType<typeof openDoor>) => door.unready().map(({ code }) => code);

  it("none while it does; that it drains, once it stops", async () => {
    const { engine, vault } = await place.start();
    const door = openDoor({ engine, vault });
    expect(codes(door)).to.deep.equal([]);
    await engine.stop();
    expect(codes(door)).to.deep.equal(["draining"]);
  });

  it("that the log cannot be written, from the moment at which that is known, also when it then stops", async () => {
    const journal = new FaultyJournal(new MemoryJournal(place.disk));
    const { engine, vault, admin } = await place.start({ journal });
    const door = openDoor({ engine, vault });
    journal.fail("append", "lost");
    await engine.submit(intercept(admin, null)).catch(() => {});
    expect(codes(door)).to.deep.equal(["log_unwritable"]);
    await engine.stop();
    expect(codes(door)).to.deep.equal(["log_unwritable"]);
  });
});
