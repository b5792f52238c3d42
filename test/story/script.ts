/**
 * The form of a story: lines of commands, `----`, lines of what came of them; blank lines between
 * such blocks; `#` begins a remark, and the first remark is the claim that the story makes.
 */

export interface Block {
  readonly remarks: readonly string[];
  readonly commands: readonly string[];
  readonly expected: readonly string[];
}

export interface Script {
  readonly claim: string;
  readonly blocks: readonly Block[];
}

export function parseScript(text: string): Script {
  const blocks = text
    .trimEnd()
    .split(/\n\n+/)
    .map((part) => part.split("\n"))
    .map((lines) => {
      const cut = lines.indexOf("----");
      const asked = cut === -1 ? lines : lines.slice(0, cut);
      return {
        remarks: asked.filter((line) => line.startsWith("#")),
        commands: asked.filter((line) => !line.startsWith("#")),
        expected: cut === -1 ? [] : lines.slice(cut + 1),
      };
    });
  const claim = blocks[0]?.remarks.map((line) => line.slice(2)).join(" ") ?? "";
  return { claim, blocks };
}

/** The story as a file, with what came of each block. */
export function formatScript(script: Script, came: readonly (readonly string[])[]): string {
  const parts = script.blocks.map(({ remarks, commands }, i) =>
    [...remarks, ...commands, ...(commands.length === 0 ? [] : ["----", ...(came[i] ?? [])])].join("\n"),
  );
  return `${parts.join("\n\n")}\n`;
}

/** One command line: words, and `name=value` or `name="a value"`. */
export class Line {
  readonly words: readonly string[];
  readonly #values = new Map<string, string>();

  constructor(text: string) {
    const words: string[] = [];
    for (const [, name, quoted, bare] of text.matchAll(/(?:([a-z_]+)=)?(?:"([^"]*)"|(\S+))/g)) {
      const value = quoted ?? bare ?? "";
      if (name === undefined) {
        words.push(value);
      } else {
        this.#values.set(name, value);
      }
    }
    this.words = words;
  }

  word(i: number): string {
    const word = this.words[i];
    if (word === undefined) {
      throw new Error(`the line has no word ${i}: ${this.words.join(" ")}`);
    }
    return word;
  }

  text(name: string): string | null {
    return this.#values.get(name) ?? null;
  }

  number(name: string): number | null {
    const value = this.text(name);
    return value === null ? null : Number(value);
  }
}
