import type { Frame } from "@tautline/core/internals";
import {
  type History,
  type LinkEnd,
  type MemoryConnection,
  messagesOf,
  type Traffic,
  textOf,
} from "@tautline/core/testing";
import type { CutPoint, Settings } from "./schedule.ts";

/** When a schedule has broken a connection. */
export type CutKind = "hello" | "replay" | "acknowledgement" | "twice in a row" | "drain";

/** What a frame holds, as far as it matters here. */
interface Contents {
  readonly points: ReadonlySet<CutPoint>;
  readonly hello: { readonly client: string; readonly resumes: boolean } | undefined;
  /** Whether peers say something to each other in it. */
  readonly calls: boolean;
}

interface Seen {
  readonly client: string;
  readonly session: Session;
  /** Whether its hello opens a new session. */
  readonly fresh: boolean;
  welcomeSentAt: number | undefined;
  welcomeOrder: number;
  welcomeArrivedAt: number | undefined;
  /** Whether messages of peers have arrived. */
  progress: boolean;
  acksInFlight: number;
  readonly replaysInFlight: string[];
  broken: boolean;
}

/** What explains a loss. */
interface Unheard {
  readonly client: string;
  readonly why: string;
  readonly at: number;
  readonly early: boolean;
  readonly order: number;
}

/** What is known of a client's session at one server. */
interface Session {
  /** Whether the server knows it by the token that the client will show. */
  established: boolean;
  /** Whether the client has heard of it. */
  welcomed: boolean;
  carrier: MemoryConnection | undefined;
  offlineFrom: number | undefined;
  /** Text on the wire, both directions. */
  length: number;
}

/** Watches the wire: where cuts fall, and what explains that a session is lost. It asks the library nothing. */
export class Witness {
  /** A server is being drained. */
  draining = false;
  /** Events that servers have sent, to a call or to all on a channel. */
  events = 0;
  /** Text of items, which may wait where the wire shows nothing. */
  emittedLength: () => number = () => 0;
  readonly cuts: Set<CutKind> = new Set();
  readonly #history: History;
  /** Those of which their client could not know yet. */
  #unheard: Unheard[] = [];
  /** Counts what happens: much of it happens at the same time. */
  #order = 0;
  readonly #settings: Settings;
  readonly #now: () => number;
  readonly #clients: readonly string[];
  readonly #seen = new Map<MemoryConnection, Seen>();
  readonly #sessions = new Map<string, Session>();
  /** The connection that each client had last. */
  readonly #last = new Map<string, { now: MemoryConnection; before: MemoryConnection | undefined }>();

  constructor(history: History, settings: Settings, clients: readonly string[], now: () => number) {
    this.#history = history;
    this.#settings = settings;
    this.#clients = clients;
    this.#now = now;
  }

  /** Takes note of a frame; returns what it holds. */
  onTraffic({ step, from, frame }: Traffic, connection: MemoryConnection): ReadonlySet<CutPoint> {
    const contents = read(frame);
    if (contents.hello !== undefined && step === "sent") this.#onHello(contents.hello, connection);
    const seen = this.#seen.get(connection);
    if (step === "sent" && contents.points.has("event")) this.events++;
    // What comes to an end that is gone is heard by nobody.
    const heard = step === "sent" || connection.end(from === "client" ? "server" : "client").open;
    if (seen === undefined || !heard) return contents.points;
    if (step === "sent") seen.session.length += frame.length;
    else if (contents.calls) seen.progress = true;
    if (contents.points.has("ack")) seen.acksInFlight += step === "sent" ? 1 : -1;
    if (contents.points.has("welcome")) this.#onWelcome(step, seen, connection);
    return this.#isReplay(step, from, contents, seen, frame)
      ? new Set([...contents.points, "replay"])
      : contents.points;
  }

  onGone(_end: LinkEnd, connection: MemoryConnection): void {
    const seen = this.#seen.get(connection);
    if (seen === undefined) return;
    const { session } = seen;
    if (connection === session.carrier) session.offlineFrom ??= this.#now();
    if (!session.established) this.#excuse(seen.client, "cut before the server knew the session");
    if (this.#settings.maxParkedSessions < 10) this.excuseAll("more sessions parked than may be");
  }

  /** A connection is about to be broken. */
  onCut(connection: MemoryConnection): void {
    const seen = this.#seen.get(connection);
    if (this.draining) this.cuts.add("drain");
    if (seen === undefined) return;
    if (seen.welcomeArrivedAt === undefined) this.cuts.add("hello");
    if (seen.acksInFlight > 0) this.cuts.add("acknowledgement");
    if (seen.replaysInFlight.length > 0) this.cuts.add("replay");
    const before = this.#last.get(seen.client)?.before;
    if (!seen.progress && before !== undefined && this.#seen.get(before)?.broken === true)
      this.cuts.add("twice in a row");
    seen.broken = true;
  }

  excuseAll(why: string): void {
    for (const client of this.#clients) this.#excuse(client, why);
  }

  /** All is over: what took too long until now. */
  onEnd(): void {
    for (const [name, session] of this.#sessions) this.#checkWindow(name.split("@")[0] ?? "", session);
    for (const client of this.#clients) this.#hear(client, Number.POSITIVE_INFINITY);
  }

  #onHello({ client, resumes }: { client: string; resumes: boolean }, connection: MemoryConnection): void {
    const name = `${client}@${connection.url}`;
    const session = this.#sessions.get(name) ?? {
      established: true,
      welcomed: false,
      carrier: undefined,
      offlineFrom: undefined,
      length: 0,
    };
    this.#sessions.set(name, session);
    if (!resumes) {
      this.#checkWindow(client, session);
      session.established = false;
      session.offlineFrom = undefined;
      session.carrier = undefined;
    }
    this.#last.set(client, { now: connection, before: this.#last.get(client)?.now });
    this.#seen.set(connection, {
      client,
      session,
      fresh: !resumes,
      welcomeSentAt: undefined,
      welcomeOrder: 0,
      welcomeArrivedAt: undefined,
      progress: false,
      acksInFlight: 0,
      replaysInFlight: [],
      broken: false,
    });
  }

  #onWelcome(step: Traffic["step"], seen: Seen, connection: MemoryConnection): void {
    const { session } = seen;
    if (step === "sent") {
      seen.welcomeSentAt = this.#now();
      seen.welcomeOrder = ++this.#order;
    } else seen.welcomeArrivedAt = this.#now();
    // One that nobody waits for says nothing of the session that the client has.
    if (step === "sent" && !connection.client.open) return;
    this.#checkOverflow(seen);
    if (step === "sent" && !seen.fresh) return;
    this.#checkWindow(seen.client, session);
    if (step === "arrived") session.welcomed = true;
    session.established = true;
    session.carrier = connection;
    if (step === "arrived") this.#hear(seen.client, seen.welcomeOrder);
    // The other end may know already that this one is gone.
    session.offlineFrom = connection.client.open && connection.server.open ? undefined : this.#now();
  }

  #isReplay(step: Traffic["step"], from: LinkEnd, { calls }: Contents, seen: Seen, frame: Frame): boolean {
    const place = `${from} ${textOf(frame)}`;
    if (step === "arrived") {
      const index = seen.replaysInFlight.indexOf(place);
      if (index >= 0) seen.replaysInFlight.splice(index, 1);
      return index >= 0;
    }
    const since = from === "server" ? seen.welcomeSentAt : seen.welcomeArrivedAt;
    if (seen.fresh || !calls || since !== this.#now()) return false;
    seen.replaysInFlight.push(place);
    return true;
  }

  /** The server knows before its client does, which may never get that welcome. */
  #checkOverflow({ client, session }: Seen): void {
    const { replayBytes, clientReplayBytes } = this.#settings;
    if (session.length + this.emittedLength() <= Math.min(replayBytes, clientReplayBytes)) return;
    this.#excuse(client, "more was sent than is kept", session.offlineFrom ?? this.#now(), 0);
  }

  #checkWindow(client: string, { offlineFrom }: Session): void {
    const { sessionWindowMs } = this.#settings;
    if (offlineFrom === undefined || this.#now() - offlineFrom < sessionWindowMs) return;
    this.#excuse(client, "longer offline than the window", offlineFrom + sessionWindowMs, 0);
  }

  /** It lasts until the client gets a welcome that was sent after it. */
  #excuse(client: string, why: string, at: number = this.#now(), order: number = ++this.#order): void {
    const last = this.#last.get(client)?.now;
    const early = (last && this.#seen.get(last))?.session.welcomed !== true;
    this.#unheard.push({ client, why, at, early, order });
  }

  #hear(client: string, order: number): void {
    const until = this.#now();
    this.#unheard = this.#unheard.filter((excuse) => {
      if (excuse.client !== client || excuse.order > order) return true;
      this.#history.add("excuse", { client, why: excuse.why, until, early: excuse.early }, excuse.at);
      return false;
    });
  }
}

const cutPoints: Readonly<Record<number, CutPoint>> = {
  0: "hello",
  1: "welcome",
  3: "ack",
  4: "ack",
  5: "ack",
  6: "goaway",
  20: "result",
  21: "result",
  23: "item",
  24: "item",
  26: "event",
  34: "channel",
  35: "event",
};

function read(frame: Frame): Contents {
  const points = new Set<CutPoint>();
  let hello: Contents["hello"];
  let calls = false;
  for (const message of messagesOf(frame)) {
    const point = cutPoints[message[0]];
    if (point !== undefined) points.add(point);
    if (message[0] >= 10) calls = true;
    if (message[0] !== 0) continue;
    const fields = message[2] as { params: { client: string }; received?: number };
    hello = { client: fields.params.client, resumes: fields.received !== undefined };
  }
  return { points, hello, calls };
}
