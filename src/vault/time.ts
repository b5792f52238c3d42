const shape = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$/;

/** A moment as the log writes it, `YYYY-MM-DDThh:mm:ss.sssZ`: such texts sort like the moments. */
export function timeText(at_ms: number): string {
  const text = new Date(at_ms).toISOString();
  if (!shape.test(text)) {
    throw new RangeError(`${text} is outside the years 0000 to 9999`);
  }
  return text;
}

/** Whether a text is a moment as the log writes it, and a real date. */
export function isTime(text: string): boolean {
  if (!shape.test(text)) {
    return false;
  }
  // Date rolls the 30th of February over to March, so the text comes back different.
  const date = new Date(text);
  return !Number.isNaN(date.getTime()) && date.toISOString() === text;
}
