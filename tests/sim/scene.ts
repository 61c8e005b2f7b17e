import { History, type LinkEnd, type MemoryConnection, MemoryNetwork, type Traffic } from "@tautline/core/testing";
import { LosableStore } from "./losable-store.ts";
import type { CutPoint, Schedule, Settings } from "./schedule.ts";
import { shortText } from "./trace.ts";
import { Witness } from "./witness.ts";
import { World } from "./world.ts";

/** Hears what goes over the wire, and what is in it. */
export type FrameListener = (traffic: Traffic, connection: MemoryConnection, points: ReadonlySet<CutPoint>) => void;

/** What all that happens in one schedule happens in: the wire, the world behind the handlers, who watches, and the history. */
export class Scene {
  readonly settings: Settings;
  /** Of the clients. */
  readonly names: readonly string[];
  readonly network: MemoryNetwork;
  readonly history: History;
  readonly world: World;
  readonly witness: Witness;
  /** Shared by all servers, where there is one. */
  readonly store: LosableStore | undefined;
  /** About the length of the largest message. */
  readonly largest: number;
  /** What happens now is only that all is closed. */
  over = false;
  onFrame: FrameListener = () => {};
  readonly #trace: ((line: string) => void) | undefined;

  constructor({ seed, settings, steps }: Schedule, trace: ((line: string) => void) | undefined) {
    this.settings = settings;
    this.#trace = trace;
    this.store = settings.store && new LosableStore({ ...settings.store, now: () => this.network.clock.now() });
    this.names = ["ann", "bob", "cat"].slice(0, settings.clients);
    this.network = new MemoryNetwork({
      seed,
      settle: () => new Promise((resolve) => setImmediate(resolve)),
      latencyMs: settings.latencyMs,
      connectMs: settings.connectMs,
      highWaterLength: settings.highWaterLength,
      onTraffic: (traffic, connection) => this.#onTraffic(traffic, connection),
      onGone: (end, connection) => this.#onGone(end, connection),
    });
    const { clock } = this.network;
    this.history = new History(clock);
    this.largest = Math.max(...steps.map((step) => ("padding" in step ? step.padding : 0))) + 200;
    // A message that is as large as the buffer goes past it.
    const mostAhead = 4 * this.largest < settings.replayBytes ? settings.replayBytes / 2 : Number.POSITIVE_INFINITY;
    this.world = new World(this.history, clock, mostAhead, settings.topics ?? { historyEvents: 0, bufferEvents: 0 });
    this.witness = new Witness(this.history, settings, this.names, () => clock.now());
    this.witness.emittedLength = () => this.world.emittedLength;
  }

  measure(what: string, amount: number, most: number): void {
    if (amount > most) this.history.add("measured", { what, amount, most });
  }

  say(line: () => string): void {
    this.#trace?.(`${this.network.clock.now().toString().padStart(6)} ${line()}`);
  }

  #onTraffic(traffic: Traffic, connection: MemoryConnection): void {
    const way = traffic.from === "client" ? ">" : "<";
    this.say(() => `${connection.id} ${way} ${traffic.step} ${shortText(traffic.frame)}`);
    this.onFrame(traffic, connection, this.witness.onTraffic(traffic, connection));
  }

  #onGone(end: LinkEnd, connection: MemoryConnection): void {
    this.say(() => `${connection.id} gone at the ${end}`);
    this.witness.onGone(end, connection);
  }
}
