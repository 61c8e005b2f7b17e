import type { Callers } from "./callers.ts";
import type { Faults } from "./faults.ts";
import type { Fleet } from "./fleet.ts";
import type { Scene } from "./scene.ts";
import { topicKeys } from "./topic-world.ts";
import { written } from "./transformer.ts";

/** How long everything may take to settle after the last fault, in ms: heartbeats, time-outs and delays of every kind, one after another. */
const settleMs = 60_000;
/** The same for subscribers who have a lot to catch up with, over a connection that carries it piece by piece. */
const catchUpMs = 600_000;

/** What a schedule comes to when nothing goes wrong any more: everything settles, then all is closed and nothing is left. */
export class Aftermath {
  readonly #scene: Scene;
  readonly #callers: Callers;
  readonly #fleet: Fleet;
  readonly #faults: Faults;

  constructor(scene: Scene, callers: Callers, fleet: Fleet, faults: Faults) {
    this.#scene = scene;
    this.#callers = callers;
    this.#fleet = fleet;
    this.#faults = faults;
  }

  async heal(): Promise<void> {
    const { world } = this.#scene;
    this.#scene.say(() => "all heals");
    this.#faults.heal();
    await this.#until(() => this.#idle === 0);
    this.#scene.measure("left handlers that run for nobody", this.#idle, 0);
    const unwatch = await this.#catchUp();
    world.finish();
    await this.#until(() => this.#callers.open === 0);
    await this.#until(() => this.#fleet.parkedSessions === 0 && this.#callers.authentications === 0);
    this.#scene.measure("left credentials without an answer", this.#callers.authentications, 0);
    this.#scene.measure("left sessions that nobody comes back for", this.#fleet.parkedSessions, 0);
    await this.#publishToNobody();
    unwatch();
    await this.#checkKept();
  }

  async close(): Promise<void> {
    const { network, world, witness } = this.#scene;
    this.#scene.over = true;
    witness.onEnd();
    for (const { connection } of this.#callers.clients) connection.close();
    this.#fleet.close();
    // The longest that a handler that does not heed its signal still takes, and what is still on its way.
    await network.advance(1_100);
    void world.topics.close();
    const { clock, connections } = network;
    for (let passed = 0; passed < 10_000 && clock.timers > 0; passed += 1_000) await network.advance(1_000);
    world.streams.settleUnread();
    this.#scene.measure("left timers", clock.timers, 0);
    this.#scene.measure("left connections", connections.length, 0);
    this.#scene.measure("left readers of the log", world.waiting, 0);
    this.#fleet.measureLeft();
  }

  /** Everybody gets the last event of each key, and ends. Keys are followed on, so that what is left at one would go on working. */
  async #catchUp(): Promise<() => void> {
    const { world, settings, history } = this.#scene;
    const { topics } = world;
    if (settings.topics === undefined) return () => {};
    const { followers } = this.#callers;
    topics.quiet = true;
    for (const follower of followers) follower.hurry();
    for (const key of topicKeys) topics.publish(key, 0);
    await this.#until(() => [...followers].every((follower) => follower.caughtUp), catchUpMs);
    // Whatever comes twice does so after that.
    await this.#advance(1_000);
    history.add("quiet", {});
    const unwatch = topics.watch();
    for (const follower of followers) follower.unsubscribe();
    return unwatch;
  }

  /** Nobody has a subscription to a topic: events are neither written nor sent. */
  async #publishToNobody(): Promise<void> {
    const { world, settings, network, witness } = this.#scene;
    if (settings.topics === undefined) return;
    // A server learns late that the other end of a connection is gone; and cancels are on their way.
    await this.#until(() => network.connections.every(({ client, server }) => client.open === server.open));
    await this.#advance(1_000);
    const before = { written: written.events, sent: witness.events };
    for (const key of topicKeys) world.topics.publish(key, 0);
    await this.#advance(1_000);
    this.#scene.measure("idle events written", written.events - before.written, 0);
    this.#scene.measure("idle events sent", witness.events - before.sent, 0);
  }

  /** Heartbeats acknowledge everything; what a session has then it would keep when its connection is gone. */
  async #checkKept(): Promise<void> {
    const { world, network } = this.#scene;
    await this.#advance(12_000);
    this.#scene.measure("idle keys that are followed", world.topics.follows, 0);
    for (const connection of network.connections) connection.cut();
    await network.settled();
    this.#scene.measure("idle text that is kept", this.#fleet.parkedLength, 0);
  }

  /** Handlers that run for nobody. */
  get #idle(): number {
    return this.#scene.world.countIdle((call) => this.#callers.isOpen(call));
  }

  async #until(isSo: () => boolean, mostMs: number = settleMs): Promise<void> {
    for (let passed = 0; passed < mostMs && !isSo(); passed += 500) await this.#advance(500);
  }

  async #advance(ms: number): Promise<void> {
    await this.#scene.network.advance(ms);
    this.#fleet.measureKept();
  }
}
