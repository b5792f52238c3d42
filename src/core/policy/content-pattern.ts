/** `content_pattern`: regular expressions that are searched for in the action's text. */
import { limits } from "../../limits.js";
import type { Compiled } from "./action.js";
import { Conditions } from "./conditions.js";
import type { PolicyDocument } from "./document.js";
import { step } from "./error.js";
import { compilePattern } from "./pattern.js";

/** An action without a text passes, unless `missing` is `match`. */
export function compileContentPattern(document: PolicyDocument): Compiled {
  const conditions = Conditions.of(document);
  const sources = conditions.texts("patterns", limits.patterns, limits.pattern_characters);
  const is_folded = conditions.boolean("case_insensitive", false);
  const missing = conditions.choice("missing", ["match", "pass"], "pass");
  conditions.end();
  const patterns = sources.map((source, i) =>
    compilePattern(source, conditions.at("patterns") + step(i), is_folded),
  );
  const found = patterns.map((_, i) => ({ reason: `its pattern ${i + 1} is in the text` }));
  const untold = missing === "pass" ? null : { reason: "the action came without its text" };
  return {
    reads_text: true,
    judge: ({ content, work }) => {
      if (content === null) {
        return untold;
      }
      const place = patterns.findIndex((pattern) => pattern(content, work));
      return place === -1 ? null : (found[place] as { readonly reason: string });
    },
  };
}
