import { randomBytes } from "node:crypto";
import { TautlineError } from "@tautline/core";
import { Deadlines } from "@tautline/core/internals";
import type { Broker, BrokerTopic, Closable, HistoryLimits } from "@tautline/server";
import { Backlog } from "./backlog.ts";
import { CatchUps } from "./catch-ups.ts";
import { Epochs } from "./epochs.ts";
import { leaseScript, membersScript, releaseScript } from "./group-scripts.ts";
import { signalChannel } from "./key-names.ts";
import { type ConnectionSettings, connectionSettings, type RedisBrokerOptions, type RedisServer } from "./options.ts";
import { publishScript } from "./publish-script.ts";
import { readScript } from "./read-script.ts";
import { Readiness } from "./readiness.ts";
import { databaseOf, RedisConnection } from "./redis-connection.ts";
import { RedisGroup } from "./redis-group.ts";
import type { RedisHost } from "./redis-host.ts";
import { RedisTopic } from "./redis-topic.ts";
import { Subscriptions } from "./subscriptions.ts";

/**
 * Keeps events in Redis' streams and carries them over its channels, for as many nodes as there are: two connections each, however many
 * topics and keys. It connects at once, and again whenever it has to.
 *
 * @throws TypeError where the options make no sense.
 */
export function redisBroker(server: RedisServer, options: RedisBrokerOptions = {}): Broker {
  return new RedisBroker(connectionSettings(server, options), options);
}

/** One node's way to a server. */
export class RedisBroker implements Broker, RedisHost {
  readonly prefix: string;
  readonly db: number;
  readonly commands: RedisConnection;
  readonly subscriptions: Subscriptions;
  readonly catchUps: CatchUps;
  readonly readiness: Readiness;
  readonly publishes: Backlog;
  readonly epochs: Epochs = new Epochs();
  readonly open: Set<Closable> = new Set();
  readonly #settings: ConnectionSettings;
  readonly #deadlines: Deadlines;
  /** What the names of epochs that begin with this broker begin with. */
  readonly #seed: string = randomBytes(6).toString("base64url");
  #closed: Promise<void> | undefined = undefined;

  constructor(
    settings: ConnectionSettings,
    { maxWaiting = 100_000, maxWaitingLength = 64 * 1024 * 1024 }: RedisBrokerOptions,
  ) {
    this.prefix = settings.prefix;
    this.db = databaseOf(settings);
    this.#settings = settings;
    this.#deadlines = new Deadlines(settings.clock);
    // One that the server does not know is sent twice, and what was asked after it is done before it.
    const scripts = [publishScript, readScript, leaseScript, releaseScript, membersScript];
    this.commands = new RedisConnection(settings, { scripts, onReady: () => this.#onReady(), onLost: () => {} });
    this.subscriptions = new Subscriptions(settings, () => this.#compareHistories());
    this.catchUps = new CatchUps(() => this.commands.ready, this.#deadlines);
    this.publishes = new Backlog(maxWaiting, maxWaitingLength);
    this.readiness = new Readiness(this.#deadlines, {
      isReady: () => this.commands.ready,
      now: () => settings.clock.now(),
    });
    this.commands.open();
    this.subscriptions.connection.open();
  }

  openTopic(name: string, limits: HistoryLimits): BrokerTopic {
    this.check();
    return new RedisTopic(this, name, limits);
  }

  signal(channel: string, text: string): void {
    this.check();
    // Best effort: what is lost is lost.
    if (this.commands.ready) this.commands.publish(signalChannel(this.prefix, this.db, channel), text).catch(() => {});
  }

  listen(channel: string, onSignal: (text: string) => void, onListening: () => void = () => {}): Closable {
    this.check();
    const subscription = this.subscriptions.subscribe(signalChannel(this.prefix, this.db, channel), {
      onSubscribed: onListening,
      onUnsubscribed: () => {},
      onMessage: onSignal,
    });
    const held: Closable = {
      close: () => {
        this.open.delete(held);
        subscription.close();
      },
    };
    this.open.add(held);
    return held;
  }

  async lease(group: string, members: ReadonlyMap<string, string>, ttlMs: number): Promise<void> {
    await this.#group(group).lease(members, ttlMs);
  }

  async release(group: string, members: Iterable<string>): Promise<void> {
    await this.#group(group).release(members);
  }

  async members(group: string): Promise<ReadonlyMap<string, string>> {
    return await this.#group(group).members();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  shardArguments(forgetMs: string): readonly string[] {
    return [this.commands.history, this.#seed, this.#settings.durable ? "1" : "0", forgetMs];
  }

  check(): void {
    if (this.#closed !== undefined) throw brokerClosed();
  }

  async #close(): Promise<void> {
    for (const held of this.open) held.close();
    this.readiness.fail(brokerClosed());
    this.catchUps.clear();
    await Promise.all([this.commands.close(), this.subscriptions.connection.close()]);
    this.#deadlines.clear();
  }

  #onReady(): void {
    this.#compareHistories();
    this.readiness.onReady();
    this.catchUps.onReady();
  }

  /** Two connections to different servers, of which one has taken the other's place: what is published here is not heard there. */
  #compareHistories(): void {
    const { commands, subscriptions } = this;
    if (!commands.ready || !subscriptions.connection.ready) return;
    if (commands.history === subscriptions.connection.history) return;
    commands.drop();
    subscriptions.connection.drop();
  }

  #group(group: string): RedisGroup {
    this.check();
    return new RedisGroup(this.commands, this.prefix, group);
  }
}

function brokerClosed(): TautlineError {
  return new TautlineError({ code: "CONNECTION_CLOSED", message: "the broker is closed" });
}
