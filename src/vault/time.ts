const shape = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$/;

// Many entries are of the same few milliseconds, and a date costs more than a look.
const recent = new Map<number, string>();
const recent_max = 8;

/** A moment as the log writes it, `YYYY-MM-DDThh:mm:ss.sssZ`: such texts sort like the moments. */
export function timeText(at_ms: number): string {
  let text = recent.get(at_ms);
  if (text === undefined) {
    text = newText(at_ms);
    if (recent.size >= recent_max) {
      recent.clear();
    }
    recent.set(at_ms, text);
  }
  return text;
}

function newText(at_ms: number): string {
  const text = new Date(at_ms).toISOString();
  if (!shape.test(text)) {
    throw new RangeError(`${text} is outside the years 0000 to 9999`);
  }
  return text;
}

let last_good = "";

/** Whether a text is a moment as the log writes it, and a real date. */
export function isTime(text: string): boolean {
  if (text === last_good) {
    return true;
  }
  if (!shape.test(text)) {
    return false;
  }
  // Date rolls the 30th of February over to March, so the text comes back different.
  const date = new Date(text);
  const good = !Number.isNaN(date.getTime()) && date.toISOString() === text;
  last_good = good ? text : last_good;
  return good;
}
