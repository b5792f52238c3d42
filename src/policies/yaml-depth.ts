/**
 * How deep a YAML text can nest, before it is parsed: the parser calls itself for every level, and a
 * stack that ends within a regular expression ends the process.
 */
import { CST, Lexer } from "yaml";

/**
 * An upper bound, from the tokens alone. Two levels for each bracket that is open, since a list may hold
 * members without braces, and for each indicator in it since the last comma; two for each column of
 * indentation, with the one before the first, and for each indicator of a line, since a list may stand at
 * the indentation of the member that holds it. Also what is no YAML nests no deeper in the parser.
 */
export function depthOf(text: string): number {
  let deepest = 0;
  // Of each open bracket, its indicators since the last comma, and the sum of them.
  const flow: number[] = [];
  let in_flow = 0;
  // Of the line that the outermost began in, its indentation and its indicators before that.
  let indent = 0;
  let opened = 0;
  let fresh = true;
  let is_content = false;
  for (const token of new Lexer().lex(text)) {
    const type: ReturnType<typeof CST.tokenType> = is_content ? "scalar" : CST.tokenType(token);
    is_content = !is_content && token === CST.SCALAR;
    switch (type) {
      case "newline":
        if (flow.length === 0) {
          indent = 0;
          opened = 0;
          fresh = true;
        }
        continue;
      case "space":
        indent = fresh ? token.length : indent;
        break;
      case "flow-map-start":
      case "flow-seq-start":
        flow.push(0);
        break;
      case "comma":
        if (flow.length > 0) {
          in_flow -= flow.pop() ?? 0;
          flow.push(0);
        }
        continue;
      case "flow-map-end":
      case "flow-seq-end":
      case "flow-error-end":
        in_flow -= flow.pop() ?? 0;
        continue;
      case "seq-item-ind":
      case "explicit-key-ind":
      case "map-value-ind":
        if (flow.length === 0) {
          opened += 1;
        } else {
          flow.push((flow.pop() ?? 0) + 1);
          in_flow += 1;
        }
        break;
      default:
        fresh = false;
        continue;
    }
    fresh = fresh && type === "space";
    if (type !== "space") {
      deepest = Math.max(deepest, 2 * (flow.length + in_flow + opened + indent + 1));
    }
  }
  return deepest;
}
