/** Patterns with `*`, which stands for any characters or none. No other character is special. */

/** Whether a pattern has a `*`. */
export function isGlob(pattern: string): boolean {
  return pattern.includes("*");
}

/** Whether a text is one that a pattern describes; takes at most pattern times text steps. */
export function matches(pattern: string, text: string): boolean {
  let at = 0;
  let from = 0;
  // Where the newest star stands, and up to where it reaches: the only place worth going back to.
  let star = -1;
  let reach = 0;
  while (from < text.length) {
    if (at < pattern.length && pattern[at] !== "*" && pattern[at] === text[from]) {
      at += 1;
      from += 1;
    } else if (pattern[at] === "*") {
      star = at;
      reach = from;
      at += 1;
    } else if (star !== -1) {
      at = star + 1;
      reach += 1;
      from = reach;
    } else {
      return false;
    }
  }
  while (pattern[at] === "*") {
    at += 1;
  }
  return at === pattern.length;
}
