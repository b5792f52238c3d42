/** Reads server-sent events as the HTML standard says, by a parser of its own. */

/** One event. */
export interface ServerEvent {
  readonly event: string;
  /** The last id that was sent, in this event or before. */
  readonly id: string;
  readonly data: string;
}

/** Parses a text into its events; one that is not ended yet is left out. */
export function eventsIn(text: string): readonly ServerEvent[] {
  const events: ServerEvent[] = [];
  let id = "";
  for (const block of text.split("\n\n").slice(0, -1)) {
    let event = "message";
    const data: string[] = [];
    for (const line of block.split("\n")) {
      const [, name, value] = /^([^:]*): ?(.*)$/.exec(line) ?? [];
      if (name === "event") {
        event = value ?? "";
      } else if (name === "id") {
        id = value ?? "";
      } else if (name === "data") {
        data.push(value ?? "");
      }
    }
    if (data.length > 0) {
      events.push({ event, id, data: data.join("\n") });
    }
  }
  return events;
}
