import { expect } from "chai";
import { limits } from "../../src/limits.js";
import { message_events } from "../../src/webhooks/message.js";
import { readSecrets } from "../../src/webhooks/secrets.js";
import { readTargets, TargetError } from "../../src/webhooks/target.js";

function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    expect(error).to.be.instanceOf(TargetError);
    return (error as Error).message;
  }
  throw new Error("it was taken");
}

describe("the target of a webhook", () => {
  it("is an https address, or an http one of this machine", () => {
    for (const url of [
      "https://ops.example.com/hook?token=t",
      "https://10.0.0.7:8443/",
      "http://127.0.0.1:9000/hook",
      "http://localhost:9000/",
      "http://[::1]:9000/",
    ]) {
      expect(readTargets(url)[0]?.url).to.equal(url);
    }
    for (const url of ["http://ops.example.com/", "http://10.0.0.7/", "http://127.0.0.1.example.com/"]) {
      expect(
        refusal(() => readTargets(url)),
        url,
      ).to.include("has to be https");
    }
    for (const url of ["ops.example.com", "ftp://ops.example.com/", "file:///etc/passwd", "https://"]) {
      expect(
        refusal(() => readTargets(url)),
        url,
      ).to.include("is no address");
    }
  });

  it("holds no password, and its refusal shows no token", () => {
    expect(refusal(() => readTargets("https://user:hunter2@ops.example.com/"))).to.not.include("hunter2");
    expect(refusal(() => readTargets("http://ops.example.com/?token=hunter2"))).to.not.include("hunter2");
  });

  it("is told all events, or those behind #", () => {
    const told = (word: string) => [...(readTargets(`https://h.example/${word}`)[0]?.events ?? [])];
    expect(told("")).to.deep.equal(message_events);
    expect(told("#session.stopped")).to.deep.equal(["session.stopped"]);
    expect(told("#halt.*,budget.exceeded")).to.deep.equal([
      "halt.requested",
      "halt.lifted",
      "halt.confirmed",
      "halt.unconfirmed",
      "budget.exceeded",
    ]);
    expect(refusal(() => told("#halt.ended"))).to.include('"halt.ended" is no event');
    expect(refusal(() => told("#*"))).to.include("known are");
  });

  it("has a name that tells hosts apart and hides the rest", () => {
    const targets = readTargets("https://h.example/secret-path https://h.example/b https://i.example:8443/");
    expect(targets.map(({ name }) => name)).to.deep.equal(["h.example", "h.example#2", "i.example:8443"]);
  });

  it("is named once, and there are few", () => {
    expect(refusal(() => readTargets("https://h.example/ https://h.example#halt.*"))).to.include(
      "named twice",
    );
    const many = Array.from({ length: limits.webhooks + 1 }, (_, i) => `https://h${i}.example/`);
    expect(refusal(() => readTargets(many.join(" ")))).to.include("above the limit");
    expect(readTargets(many.slice(1).join("\n"))).to.have.length(limits.webhooks);
  });
});

describe("the secrets of webhooks", () => {
  const targets = readTargets("https://h.example/a https://i.example/");
  const [a, b, c] = ["a", "b", "c"].map((letter) => letter.repeat(24)) as [string, string, string];
  const read = (text: string) => [...readSecrets(text, targets).values()];

  it("sign for every target, or for one alone", () => {
    expect(read(`# of 2026\n${a}\n\n${b}\r\n`)).to.deep.equal([
      [a, b],
      [a, b],
    ]);
    expect(read(`${a}\nhttps://h.example/a ${b}\nhttps://h.example/a ${c}`)).to.deep.equal([[b, c], [a]]);
  });

  it("are long enough, not too many, and there is one for each", () => {
    expect(refusal(() => read("short")))
      .to.include("line 1")
      .and.not.include("short ");
    expect(refusal(() => read(`${a}\n${"ä".repeat(24)}`))).to.include("line 2");
    expect(refusal(() => read(`https://h.example/a ${b}`))).to.include("i.example has no secret");
    expect(refusal(() => read(""))).to.include("has no secret");
    expect(refusal(() => read(`https://j.example/ ${a}`))).to.include("no webhook has");
    expect(refusal(() => read(`x y ${a}`))).to.include("neither");
    const many = Array.from({ length: limits.webhook_secrets + 1 }, (_, i) => `${a}${i}`);
    expect(refusal(() => read(many.join("\n")))).to.include("at most");
  });

  it("are in no refusal", () => {
    const secret = "s3cr3t-".repeat(4);
    for (const text of [`${secret}ä`, `x ${secret}`, `x y ${secret}`, `https://j.example/ ${secret}`]) {
      expect(refusal(() => read(text))).to.not.include("s3cr3t");
    }
  });
});
