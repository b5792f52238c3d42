/**
 * The least client that keeps the rule of leases: it is heard every third of its lease, counts the lease
 * on a monotonic clock from when it sent what was answered, and stops itself when it is over.
 */
import { request } from "node:http";
import { argv } from "node:process";
import { pathToFileURL } from "node:url";

/** What happened to it, in its order. */
export type Happening =
  | "renewed"
  /** No answer came: nobody was there, or nothing came back before the next try. */
  | "unheard"
  /** The lease was over: it has stopped. */
  | "stopped itself"
  /** An answer said that the session is not active: it has stopped. */
  | "was told";

export class LeasedClient {
  readonly happened: Happening[] = [];
  readonly #url: string;
  readonly #key: string;
  readonly #lease_ms: number;
  readonly #beat_ms: number;
  readonly #onHappening: (happening: Happening) => void;
  readonly #looks = new Set<() => void>();
  #end: NodeJS.Timeout | undefined;
  #next: NodeJS.Timeout | undefined;
  #callOff = () => {};

  /**
   * @param url of the server, or of a proxy before it
   * @param session when its start was sent, by performance.now(), and how often it is heard: a third of
   *   its lease
   */
  constructor(
    url: string,
    key: string,
    session: {
      readonly session_id: string;
      readonly lease_seconds: number;
      readonly sent_ms: number;
      readonly beat_ms?: number;
    },
    onHappening: (happening: Happening) => void = () => {},
  ) {
    this.#url = `${url}/v1/enforce/sessions/${session.session_id}/heartbeat`;
    this.#key = key;
    this.#lease_ms = session.lease_seconds * 1000;
    this.#beat_ms = session.beat_ms ?? this.#lease_ms / 3;
    this.#onHappening = onHappening;
    this.#count(session.sent_ms);
    this.#beat();
  }

  /** Resolves when this has happened, or had before, so many times. */
  until(happening: Happening, times = 1): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.happened.filter((each) => each === happening).length >= times) {
          this.#looks.delete(look);
          resolve();
        }
      };
      this.#looks.add(look);
      look();
    });
  }

  /** Ends it without a word, as a crash would. */
  die(): void {
    clearTimeout(this.#end);
    clearTimeout(this.#next);
    this.#callOff();
  }

  /** The lease runs from here. */
  #count(sent_ms: number): void {
    clearTimeout(this.#end);
    this.#end = setTimeout(() => this.#stop("stopped itself"), sent_ms + this.#lease_ms - performance.now());
  }

  #stop(why: Happening): void {
    this.die();
    this.#note(why);
  }

  /** Each on a connection of its own: a way that swallows what is sent takes no other with it. */
  #beat(): void {
    this.#callOff();
    this.#next = setTimeout(() => this.#beat(), this.#beat_ms);
    const sent_ms = performance.now();
    const sent = request(this.#url, {
      method: "POST",
      headers: { "x-api-key": this.#key },
      agent: false,
    });
    let over = false;
    this.#callOff = () => {
      if (!over) {
        over = true;
        sent.destroy();
        this.#note("unheard");
      }
    };
    sent.on("error", () => this.#callOff());
    sent.on("response", (reply) => {
      let text = "";
      reply.setEncoding("utf8");
      reply.on("data", (piece: string) => {
        text += piece;
      });
      reply.on("error", () => this.#callOff());
      reply.on("end", () => {
        if (over) {
          return;
        }
        over = true;
        if (JSON.parse(text).status === "active") {
          this.#count(sent_ms);
          this.#note("renewed");
        } else {
          this.#stop("was told");
        }
      });
    });
    sent.end();
  }

  #note(happening: Happening): void {
    this.happened.push(happening);
    this.#onHappening(happening);
    for (const look of [...this.#looks]) {
      look();
    }
  }
}

/** As a program: URL, key, session and its lease; a line for each thing that happens. */
if (import.meta.url === pathToFileURL(argv[1] ?? "").href) {
  const [url, key, session_id, lease_seconds] = argv.slice(2) as [string, string, string, string];
  const session = { session_id, lease_seconds: Number(lease_seconds), sent_ms: performance.now() };
  new LeasedClient(url, key, session, (happening) => process.stdout.write(`${happening}\n`));
}
