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

const days_of_months = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Whether a text is a moment as the log writes it, and a real date. */
export function isTime(text: string): boolean {
  if (!shape.test(text)) {
    return false;
  }
  const number = (start: number, end: number) => Number(text.slice(start, end));
  const month = number(5, 7);
  const day = number(8, 10);
  const in_day = number(11, 13) < 24 && number(14, 16) < 60 && number(17, 19) < 60;
  return in_day && day >= 1 && day <= daysOf(number(0, 4), month);
}

function daysOf(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && leap ? 29 : (days_of_months[month - 1] ?? 0);
}
