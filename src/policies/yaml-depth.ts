/**
 * How deep a YAML text can nest, before it is parsed: the parser calls itself for every level, and a
 * stack that ends within a regular expression ends the process.
 */
import { CST, Lexer } from "yaml";

/** An upper bound, from the tokens alone. */
export function depthOf(text: string): number {
  let flow = 0;
  let deepest = 0;
  // Of one line: its indentation, and the indicators that open a level each outside of brackets.
  let indent = 0;
  let opened = 0;
  let fresh = true;
  let is_content = false;
  for (const token of new Lexer().lex(text)) {
    const type: ReturnType<typeof CST.tokenType> = is_content ? "scalar" : CST.tokenType(token);
    is_content = !is_content && token === CST.SCALAR;
    switch (type) {
      case "newline":
        indent = 0;
        opened = 0;
        fresh = true;
        continue;
      case "space":
        if (fresh) {
          indent = token.length;
        }
        break;
      case "flow-map-start":
      case "flow-seq-start":
        flow += 1;
        break;
      case "flow-map-end":
      case "flow-seq-end":
      case "flow-error-end":
        flow = Math.max(0, flow - 1);
        break;
      case "seq-item-ind":
      case "explicit-key-ind":
      case "map-value-ind":
        opened += flow === 0 ? 1 : 0;
        break;
      default:
    }
    fresh = false;
    // A list may stand at the indentation of the member that holds it: two levels a column at the most.
    deepest = Math.max(deepest, flow + opened + (opened > 0 ? 2 * indent : 0));
  }
  return deepest;
}
