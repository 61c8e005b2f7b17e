import { TautlineError } from "@tautline/core";
import type {
  BrokerTopic,
  Closable,
  FollowListener,
  HistoryLimits,
  HistoryPage,
  HistoryQuery,
  Position,
  PublishOptions,
} from "@tautline/server";
import { type FollowedTopic, KeyFollow } from "./key-follow.ts";
import { idName, type LogNames, logNames } from "./key-names.ts";
import { type LogPage, toLogPage } from "./log-page.ts";
import { publishScript } from "./publish-script.ts";
import { readScript } from "./read-script.ts";
import { isAway, isRefusal, outcomeUnknown, unavailable } from "./redis-error.ts";
import type { RedisHost } from "./redis-host.ts";

/** How much is read at once to catch up. */
const catchUpPage = { limit: 500, maxBytes: 1024 * 1024 };
/** Where the end is. */
const nothing = { limit: 0, maxBytes: 0 };
/** How long the ids of events are remembered. */
const idsMs = 120_000;
/**
 * How much longer than its events it is remembered how far a log went: whoever comes back in this time, and has missed nothing, is told
 * so.
 */
const logMs = 7 * 24 * 3_600_000;

/** The logs of one topic, in Redis. */
export class RedisTopic implements BrokerTopic, FollowedTopic {
  readonly #host: RedisHost;
  readonly #name: string;
  readonly #limits: readonly string[];
  readonly #maxAge: string;
  readonly #forget: string;

  constructor(host: RedisHost, name: string, limits: HistoryLimits) {
    const { maxEvents, maxAgeMs, maxBytes } = limits;
    this.#host = host;
    this.#name = name;
    this.#maxAge = toArgument(maxAgeMs);
    this.#forget = toArgument(maxAgeMs + logMs);
    // Cutting off some at a time is cheaper.
    const spare = Math.min(128, Math.floor(maxEvents / 8));
    this.#limits = [toArgument(maxEvents), toArgument(spare), this.#maxAge, toArgument(maxBytes), String(idsMs)];
  }

  async publish(key: string, text: string, { id, waitMs }: PublishOptions): Promise<Position> {
    const { publishes, readiness } = this.#host;
    this.#host.check();
    if (!publishes.add(text.length)) throw tooMuch();
    try {
      return await this.#publish(this.#namesOf(key), text, id, readiness.after(waitMs));
    } finally {
      publishes.remove(text.length);
    }
  }

  async history(key: string, query: HistoryQuery): Promise<HistoryPage> {
    this.#host.check();
    try {
      const { events, gap, end } = await this.#read(this.#namesOf(key), query);
      return { events, gap, end };
    } catch (cause) {
      throw unavailable(cause);
    }
  }

  follow(key: string, listener: FollowListener): Closable {
    const { subscriptions, open } = this.#host;
    this.#host.check();
    const follow = new KeyFollow(this, key, listener);
    open.add(follow);
    follow.subscription = subscriptions.subscribe(this.#namesOf(key).channel, follow);
    return follow;
  }

  onClosed(follow: KeyFollow): void {
    this.#host.open.delete(follow);
  }

  readOn(key: string, after: Position | undefined): Promise<LogPage> {
    return this.#read(this.#namesOf(key), after === undefined ? nothing : { after, ...catchUpPage });
  }

  catchUp(follow: KeyFollow): void {
    this.#host.catchUps.add(follow);
  }

  /**
   * Tries until it is stored, or `until`. One that has an id may be tried again also where nobody knows whether it was stored, for as
   * long as Redis remembers it for certain.
   */
  async #publish(names: LogNames, text: string, id: string | undefined, until: number): Promise<Position> {
    const { epochs, readiness } = this.#host;
    const epoch = id === undefined ? undefined : epochs.get(names.shard);
    let doubt: unknown;
    let rememberedUntil = Number.POSITIVE_INFINITY;
    for (;;) {
      try {
        await readiness.whenReady(Math.min(until, rememberedUntil));
        if (readiness.isOver(rememberedUntil)) throw outcomeUnknown(doubt);
        if (doubt === undefined) rememberedUntil = readiness.after(idsMs / 2);
        return await this.#store(names, text, id, doubt === undefined ? undefined : epoch);
      } catch (thrown) {
        // It was not sent, or to a server that is none to store in: there may be another, in time.
        if (isAway(thrown) && !readiness.isOver(Math.min(until, rememberedUntil))) continue;
        if (doubt !== undefined) throw outcomeUnknown(doubt);
        if (thrown instanceof TautlineError) throw thrown;
        if (isRefusal(thrown)) throw unavailable(thrown);
        if (epoch === undefined) throw outcomeUnknown(thrown);
        doubt = thrown;
      }
    }
  }

  async #store(names: LogNames, text: string, id: string | undefined, epochBefore = ""): Promise<Position> {
    const { commands, epochs } = this.#host;
    const keys = [names.shard, names.log, names.events];
    if (id !== undefined) keys.push(idName(names, id));
    const args = [...this.#host.shardArguments(this.#forget), names.channel, text, ...this.#limits, epochBefore];
    const [told, offset] = (await commands.evaluate(publishScript, keys, args)) as [string, string?];
    const epoch = epochs.know(names.shard, told);
    if (offset === undefined) throw outcomeUnknown();
    return { epoch, offset: Number(offset) };
  }

  async #read(names: LogNames, { after, before, limit, maxBytes }: HistoryQuery): Promise<LogPage> {
    const args = [
      ...this.#host.shardArguments(this.#forget),
      this.#maxAge,
      ...[after, before].flatMap((position) =>
        position === undefined ? ["", ""] : [position.epoch, String(position.offset)],
      ),
      String(limit),
      toArgument(maxBytes),
    ];
    const { commands, epochs } = this.#host;
    const reply = await commands.evaluate(readScript, [names.shard, names.log, names.events], args);
    return toLogPage(reply, after, (told) => epochs.know(names.shard, told));
  }

  #namesOf(key: string): LogNames {
    return logNames(this.#host.prefix, this.#host.db, this.#name, key);
  }
}

/** Scripts know no Infinity. */
function toArgument(limit: number): string {
  return Number.isFinite(limit) ? String(Math.ceil(limit)) : "-1";
}

function tooMuch(): TautlineError {
  return new TautlineError({ code: "SERVICE_UNAVAILABLE", message: "too much waits for Redis" });
}
