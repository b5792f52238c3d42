/**
 * A document as its examples: fenced blocks in their order. A `sh` block with a curl is an example, and
 * the `json` block after it is the reply.
 */

/** A fenced block. */
interface Block {
  /** The word after the fence. */
  readonly kind: string;
  readonly text: string;
  /** Line of the fence, 1 and up. */
  readonly line: number;
  /** Where `text` stands in the document. */
  readonly from: number;
}

/** One call and the reply that the document shows. */
export interface Example {
  readonly line: number;
  readonly command: string;
  /** Text of the JSON block. */
  readonly reply: string;
  readonly from: number;
}

/** The fenced blocks of a document. */
export function blocksOf(markdown: string): readonly Block[] {
  return [...markdown.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map((match) => {
    const [, kind = "", text = ""] = match;
    const line = markdown.slice(0, match.index).split("\n").length;
    return { kind, text, line, from: match.index + kind.length + 4 };
  });
}

/**
 * The examples of a document.
 *
 * @throws {Error} for a reply without a call, and for a call without its reply
 */
export function examplesOf(markdown: string): readonly Example[] {
  const examples: Example[] = [];
  let call: Block | null = null;
  for (const block of blocksOf(markdown)) {
    const calls = block.kind === "sh" && /^curl /m.test(block.text);
    if ((calls && call !== null) || (block.kind === "json" && call === null)) {
      throw new Error(`line ${(call ?? block).line}: each curl needs the one json block that it answers`);
    }
    if (block.kind === "json" && call !== null) {
      examples.push({ line: call.line, command: call.text, reply: block.text, from: block.from });
      call = null;
    }
    if (calls) {
      call = block;
    }
  }
  if (call !== null) {
    throw new Error(`line ${call.line}: the reply is missing`);
  }
  return examples;
}

/** The parts of a document below its third-level headings, by heading. */
export function sectionsOf(markdown: string): ReadonlyMap<string, string> {
  const parts = markdown.split(/^(?=#{1,3} )/m);
  return new Map(
    parts.flatMap((part) => {
      const heading = /^### (.*)\n/.exec(part)?.[1];
      return heading === undefined ? [] : [[heading, part] as const];
    }),
  );
}
