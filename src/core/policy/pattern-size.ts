/**
 * How large the program of a regular expression will be, told before it is compiled: `(?:…{1000}){1000}`
 * would keep the compiler busy for seconds. An estimate that errs upwards; what is no expression at all
 * the compiler refuses.
 */

/** About how many instructions an expression compiles to. */
export function instructionsOf(source: string): number {
  const groups: number[] = [];
  let size = 0;
  // The piece that a repetition behind it repeats.
  let piece = 0;
  for (let i = 0; i < source.length; ) {
    const character = source[i] as string;
    const count = character === "{" ? /^\{(\d+)(?:,(\d*))?\}/.exec(source.slice(i, i + 16)) : null;
    if (count !== null) {
      const most = Math.max(Number(count[1]), Number(count[2] ?? 0), 1);
      size += piece * (most - 1) + most;
      piece = piece * most + most;
      i += count[0].length;
    } else if (character === "(") {
      groups.push(size);
      size = 0;
      piece = 0;
      i += 1;
    } else if (character === ")") {
      piece = size + 2;
      size = (groups.pop() ?? 0) + piece;
      i += 1;
    } else {
      piece = 1;
      size += 1;
      i += character === "[" ? classLength(source, i) : character === "\\" ? 2 : 1;
    }
  }
  return groups.reduce((sum, each) => sum + each, size);
}

/** Characters of a class in brackets. */
function classLength(source: string, from: number): number {
  let i = from + 1;
  if (source[i] === "^") {
    i += 1;
  }
  // A bracket that comes first is one of the class.
  if (source[i] === "]") {
    i += 1;
  }
  while (i < source.length && source[i] !== "]") {
    const is_named = source.startsWith("[:", i);
    i = is_named ? Math.max(source.indexOf(":]", i) + 2, i + 1) : i + (source[i] === "\\" ? 2 : 1);
  }
  return i + 1 - from;
}
