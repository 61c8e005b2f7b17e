import type { LinkEnd, MemoryConnection, Traffic } from "@tautline/core/testing";
import type { Callers } from "./callers.ts";
import type { Fleet } from "./fleet.ts";
import type { Scene } from "./scene.ts";
import type { CutPoint, Step } from "./schedule.ts";

/** What goes wrong between clients and servers. */
export class Faults {
  readonly #scene: Scene;
  readonly #callers: Callers;
  readonly #fleet: Fleet;
  /** Cuts that wait for a frame. */
  readonly #awaited: { readonly point: CutPoint; readonly step: Traffic["step"] }[] = [];
  /** The next hello is to be stalled, and overtaken. */
  #overtaken: { readonly client: number; readonly ms: number } | undefined = undefined;
  readonly #stalls: (() => void)[] = [];

  constructor(scene: Scene, callers: Callers, fleet: Fleet) {
    this.#scene = scene;
    this.#callers = callers;
    this.#fleet = fleet;
    scene.onFrame = (traffic, connection, points) => this.#onFrame(traffic, connection, points);
  }

  cut(nth: number, arrived?: { client?: number; server?: number }): void {
    this.#cut(this.#scene.network.connections.at(-1 - nth), arrived);
  }

  /** Cuts where the next such frame is sent, or has arrived. */
  cutAt(cut: { readonly point: CutPoint; readonly step: Traffic["step"] }): void {
    this.#awaited.push(cut);
  }

  stall({ nth, end, ms }: Extract<Step, { do: "stall" }>): void {
    this.#stall(this.#scene.network.connections.at(-1 - nth), end, ms);
  }

  lose({ nth, end, sent }: Extract<Step, { do: "lose" }>): void {
    const connection = this.#scene.network.connections.at(-1 - nth);
    if (connection === undefined) return;
    this.#scene.witness.onCut(connection);
    connection.end(end).lose(sent);
  }

  offline(ms: number): void {
    const { network } = this.#scene;
    network.reachable = false;
    network.clock.setTimeout(() => {
      network.reachable = true;
    }, ms);
    this.cut(0);
  }

  takeover({ client, ms }: Extract<Step, { do: "takeover" }>): void {
    for (const connection of this.#scene.network.connections) {
      this.#stall(connection, "client", ms);
      this.#stall(connection, "server", ms);
    }
    this.#callers.reconnect(client);
  }

  overtake(step: Extract<Step, { do: "overtake" }>): void {
    this.#overtaken = step;
    this.#callers.reconnect(step.client);
  }

  kill(): void {
    if (!this.#fleet.kill()) return;
    for (const connection of this.#scene.network.connections) this.#cut(connection);
  }

  /** Nothing goes wrong any more. */
  heal(): void {
    this.#awaited.length = 0;
    this.#overtaken = undefined;
    for (const release of this.#stalls) release();
    this.#scene.network.reachable = true;
  }

  #cut(connection: MemoryConnection | undefined, arrived: { client?: number; server?: number } = {}): void {
    if (connection === undefined || this.#scene.over) return;
    this.#scene.say(() => `connection ${connection.id} cut`);
    this.#scene.witness.onCut(connection);
    connection.cut(arrived);
  }

  #stall(connection: MemoryConnection | undefined, end: LinkEnd, ms: number): void {
    const release = connection?.end(end).stall();
    if (release === undefined) return;
    this.#stalls.push(release);
    this.#scene.network.clock.setTimeout(release, ms);
  }

  #onFrame(traffic: Traffic, connection: MemoryConnection, points: ReadonlySet<CutPoint>): void {
    if (points.has("hello") && traffic.step === "sent") this.#overtake(connection);
    const index = this.#awaited.findIndex(({ point, step }) => step === traffic.step && points.has(point));
    if (index < 0) return;
    this.#awaited.splice(index, 1);
    // Not in the middle of whoever sends.
    queueMicrotask(() => this.#cut(connection));
  }

  #overtake(connection: MemoryConnection): void {
    const step = this.#overtaken;
    if (step === undefined) return;
    this.#overtaken = undefined;
    this.#stall(connection, "client", step.ms);
    queueMicrotask(() => this.#callers.reconnect(step.client));
  }
}
