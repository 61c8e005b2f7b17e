import { findViolations, type Violation } from "@tautline/core/testing";
import { Aftermath } from "./aftermath.ts";
import { Callers } from "./callers.ts";
import { Faults } from "./faults.ts";
import { Fleet } from "./fleet.ts";
import { Scene } from "./scene.ts";
import type { Schedule, Step } from "./schedule.ts";
import type { CutKind } from "./witness.ts";

/** What one schedule came to. */
export interface Outcome {
  readonly violations: readonly Violation[];
  readonly cuts: ReadonlySet<CutKind>;
  readonly calls: number;
  readonly items: number;
  /** Events of topics and snapshots that subscriptions got, and the gaps that they were told of. */
  readonly events: number;
  readonly snapshots: number;
  readonly gaps: number;
}

/** Runs a schedule against the real client and the real server. @param trace takes lines that tell what happens. */
export async function simulate(schedule: Schedule, trace?: (line: string) => void): Promise<Outcome> {
  const { now } = Date;
  try {
    return await new Simulation(schedule, trace).run();
  } finally {
    Date.now = now;
  }
}

/** Plays a schedule, step by step. */
class Simulation {
  readonly #steps: readonly Step[];
  readonly #scene: Scene;
  readonly #fleet: Fleet;
  readonly #callers: Callers;
  readonly #faults: Faults;
  readonly #aftermath: Aftermath;

  constructor(schedule: Schedule, trace: ((line: string) => void) | undefined) {
    this.#steps = schedule.steps;
    this.#scene = new Scene(schedule, trace);
    const { clock } = this.#scene.network;
    Date.now = () => 1_000_000_000_000 + Math.floor(clock.now());
    this.#fleet = new Fleet(this.#scene);
    this.#callers = new Callers(this.#scene, this.#fleet);
    this.#faults = new Faults(this.#scene, this.#callers, this.#fleet);
    this.#aftermath = new Aftermath(this.#scene, this.#callers, this.#fleet, this.#faults);
  }

  async run(): Promise<Outcome> {
    for (const step of this.#steps) {
      this.#scene.say(() => JSON.stringify(step));
      await this.#take(step);
      await this.#advance(0);
    }
    await this.#aftermath.heal();
    await this.#aftermath.close();
    return this.#judge();
  }

  #judge(): Outcome {
    const { history, witness, world } = this.#scene;
    if (this.#calm) history.add("calm", {});
    const violations = findViolations(history);
    for (const { invariant, message } of violations) this.#scene.say(() => `${invariant} ${message}`);
    const { received: events, snapshots, gaps } = world.topics;
    const { calls } = this.#callers;
    return { violations, cuts: witness.cuts, calls, items: world.received, events, snapshots, gaps };
  }

  async #take(step: Step): Promise<void> {
    switch (step.do) {
      case "call":
        return this.#callers.request(step);
      case "subscribe":
        return this.#callers.subscribe(step);
      case "follow":
        return this.#callers.follow(step);
      case "unfollow":
        return [...this.#callers.followers][step.nth]?.unsubscribe();
      case "publish":
        for (let left = step.count; left > 0; left--) this.#scene.world.topics.publish(step.key, step.padding);
        return;
      case "stream":
        return this.#callers.stream(step);
      case "cancel":
        return this.#callers.cancel(step.nth);
      case "append":
        return this.#scene.world.append(step.count);
      case "wait":
        return await this.#advance(step.ms);
      case "cut":
        return this.#faults.cut(step.nth, step.arrived);
      case "cutAt":
        return this.#faults.cutAt(step);
      case "stall":
        return this.#faults.stall(step);
      case "lose":
        return this.#faults.lose(step);
      case "offline":
        return this.#faults.offline(step.ms);
      case "reconnect":
        return this.#callers.reconnect(step.client);
      case "takeover":
        return this.#faults.takeover(step);
      case "overtake":
        return this.#faults.overtake(step);
      case "authenticate":
        return this.#callers.authenticate(step.client);
      case "forget":
        return this.#scene.store?.lose();
      case "flush":
        return this.#scene.world.topics.flush();
      case "trim":
        return this.#scene.world.topics.trim(step.kept);
      case "drain":
        return this.#fleet.drain(step.drainMs);
      case "kill":
        return this.#faults.kill();
    }
  }

  async #advance(ms: number): Promise<void> {
    await this.#scene.network.advance(ms);
    this.#fleet.measureKept();
  }

  /** Whether nothing was ever so much that an event had to wait. */
  get #calm(): boolean {
    const { replayBytes, clientReplayBytes, highWaterLength } = this.#scene.settings;
    return Math.min(replayBytes, clientReplayBytes, highWaterLength) >= 1024 * 1024 && this.#scene.world.topics.calm;
  }
}
