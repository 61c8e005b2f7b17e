import { type Deadline, Deadlines } from "@tautline/core/internals";
import { Redis } from "ioredis";
import type { ConnectionSettings } from "./options.ts";
import { isMisplaced, replyCode, unavailable } from "./redis-error.ts";
import type { RedisScript } from "./redis-script.ts";

export interface RedisConnectionHandlers {
  /** Scripts that the server is to know before `onReady`. */
  readonly scripts?: readonly RedisScript[];
  /** Each time that it is open. */
  onReady(): void;
  /** Each time that it was open and is no more. Whatever was sent and not answered has failed, or is about to. */
  onLost(): void;
  onMessage?(channel: string, text: string): void;
}

/** One connection to Redis, made again whenever it is lost. What is sent while there is none fails at once. */
export class RedisConnection {
  readonly #settings: ConnectionSettings;
  readonly #handlers: RedisConnectionHandlers;
  readonly #deadlines: Deadlines;
  #redis: Redis | undefined = undefined;
  #ready = false;
  #closed = false;
  #history = "";
  #attempts = 0;
  /** The next try, the end of the one that is made, the next beat or the end of the wait for it: whichever is due. */
  #next: Deadline | undefined = undefined;
  #corked: Redis["stream"] | undefined = undefined;

  constructor(settings: ConnectionSettings, handlers: RedisConnectionHandlers) {
    this.#settings = settings;
    this.#handlers = handlers;
    this.#deadlines = new Deadlines(settings.clock);
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** Names what has become of the server's data so far: another server has another, and so has one that was restarted or promoted. */
  get history(): string {
    return this.#history;
  }

  open(): void {
    if (this.#closed || this.#redis !== undefined) return;
    const redis = createRedis(this.#settings);
    this.#redis = redis;
    redis.on("error", this.#settings.onError);
    redis.on("end", () => this.#onEnd(redis));
    if (this.#handlers.onMessage !== undefined) redis.on("message", (...message) => this.#onMessage(...message));
    this.#setDeadline(this.#settings.connectTimeoutMs, () => this.drop());
    redis
      .connect()
      .then(() => this.#greet(redis))
      .catch((error: unknown) => this.#giveUp(redis, error));
  }

  /** @throws what Redis answers, `SERVICE_UNAVAILABLE` where nothing was sent, and any other error where the answer was lost. */
  async evaluate(script: RedisScript, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    const redis = this.#writable();
    try {
      return await redis.evalsha(script.digest, keys.length, ...keys, ...args);
    } catch (thrown) {
      if (replyCode(thrown) === "NOSCRIPT") return await redis.eval(script.text, keys.length, ...keys, ...args);
      if (isMisplaced(thrown)) this.#giveUp(redis, thrown);
      throw thrown;
    }
  }

  /** @throws as `evaluate`. */
  async publish(channel: string, text: string): Promise<void> {
    await this.#writable().publish(channel, text);
  }

  /** @throws as `evaluate`. */
  async subscribe(channels: readonly string[]): Promise<void> {
    await this.#writable().subscribe(...channels);
  }

  /** @throws as `evaluate`. */
  async unsubscribe(channels: readonly string[]): Promise<void> {
    await this.#writable().unsubscribe(...channels);
  }

  /** Cuts it; it is made again. */
  drop(): void {
    this.#lose();
    this.#redis?.disconnect();
    // Half-open connections do not end by themselves.
    this.#redis?.stream?.destroy();
  }

  /** Closes it for good, when what was sent is answered or has had its time. */
  async close(): Promise<void> {
    const redis = this.#redis;
    this.#closed = true;
    if (!this.#ready || redis === undefined) {
      this.#clear();
      this.drop();
      return;
    }
    this.#ready = false;
    this.#setDeadline(this.#settings.deadAfterMs, () => this.drop());
    await redis.quit().catch(() => {});
    this.#clear();
    this.drop();
  }

  /** A paused server accepts connections too: it is there when it has answered. */
  async #greet(redis: Redis): Promise<void> {
    const info = await redis.info("replication");
    if (/^role:slave/m.test(info)) throw new Error("READONLY: the server is a replica");
    for (const { text } of this.#handlers.scripts ?? []) await redis.script("LOAD", text);
    if (redis !== this.#redis || this.#closed) return;
    this.#history = /^master_replid:(\w{16})/m.exec(info)?.[1] ?? "";
    this.#attempts = 0;
    this.#ready = true;
    this.#beatLater(redis);
    this.#handlers.onReady();
  }

  #onEnd(redis: Redis): void {
    if (redis !== this.#redis) return;
    this.#redis = undefined;
    if (this.#closed) return;
    const { backoff, random } = this.#settings;
    this.#setDeadline(random() * Math.min(backoff.maxMs, backoff.baseMs * 2 ** this.#attempts), () => this.open());
    this.#attempts++;
    this.#lose();
  }

  #lose(): void {
    if (!this.#ready) return;
    this.#ready = false;
    this.#handlers.onLost();
  }

  #giveUp(redis: Redis, error: unknown): void {
    if (redis !== this.#redis) return;
    if (!this.#closed) this.#settings.onError(error);
    this.drop();
  }

  #onMessage(channel: string, text: string): void {
    try {
      this.#handlers.onMessage?.(channel, text);
    } catch (thrown) {
      this.#settings.onError(thrown);
    }
  }

  #beatLater(redis: Redis): void {
    this.#setDeadline(this.#settings.heartbeatMs, () => {
      this.#setDeadline(this.#settings.deadAfterMs, () => this.#giveUp(redis, new Error("Redis gives no answer")));
      redis.ping().then(
        () => {
          if (redis === this.#redis && this.#ready) this.#beatLater(redis);
        },
        () => {},
      );
    });
  }

  #setDeadline(delayMs: number, run: () => void): void {
    this.#clear();
    this.#next = this.#deadlines.add(delayMs, run);
  }

  #clear(): void {
    this.#next?.cancel();
    this.#next = undefined;
  }

  /** The client, with everything that is sent in this turn of the event loop held back to leave at once. */
  #writable(): Redis {
    const redis = this.#redis;
    if (!this.#ready || redis === undefined) throw unavailable();
    if (!redis.stream.writable) {
      this.drop();
      throw unavailable();
    }
    if (this.#corked === undefined) {
      this.#corked = redis.stream;
      this.#corked.cork();
      setImmediate(this.#uncork);
    }
    return redis;
  }

  readonly #uncork = (): void => {
    this.#corked?.uncork();
    this.#corked = undefined;
  };
}

/** A client that leaves connecting again, queueing and subscribing again to us, who have to know of each. */
function createRedis({ server, connectTimeoutMs }: ConnectionSettings): Redis {
  const options = {
    lazyConnect: true,
    connectTimeout: Number.isFinite(connectTimeoutMs) ? connectTimeoutMs : 0,
    retryStrategy: null,
    reconnectOnError: null,
    maxRetriesPerRequest: null,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    disableClientInfo: true,
    // What answers and names look like is not the user's to say: nobody but us sees them.
    protocol: 2,
    replyMapping: "legacy",
    stringNumbers: false,
    keyPrefix: "",
  } as const;
  return typeof server === "string" ? new Redis(server, options) : new Redis({ ...server, ...options });
}

/** The number of the database that is connected to. */
export function databaseOf(settings: ConnectionSettings): number {
  return createRedis(settings).options.db ?? 0;
}
