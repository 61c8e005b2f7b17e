import { createHash, randomBytes } from "node:crypto";
import { TautlineError } from "@tautline/core";
import { type CallOutcome, Deadlines } from "@tautline/core/internals";
import type { IdempotencyStore } from "@tautline/server";
import { Backlog } from "./backlog.ts";
import { decodeOutcome, encodeOutcome, unkept } from "./call-outcome.ts";
import { abandonScript, claimScript, leaveScript, renewScript, settleScript } from "./idempotency-scripts.ts";
import {
  type ConnectionSettings,
  connectionSettings,
  type RedisIdempotencyOptions,
  type RedisServer,
} from "./options.ts";
import { Readiness } from "./readiness.ts";
import { RedisConnection } from "./redis-connection.ts";
import { isAway, nobodyKnows, replyCode, unavailable } from "./redis-error.ts";

/** Close it after the servers that use it. */
export interface RedisIdempotencyStore extends IdempotencyStore {
  /** Resolves when the server is there, or has been away for `waitMs`. */
  ready(): Promise<void>;
  /** What runs here is unknown to the others from then on. Idempotent. */
  close(): Promise<void>;
}

/**
 * What mutations came to, for all nodes that share the server, over one connection. While a mutation runs, its node shows that it lives;
 * where it does not, whoever sends the mutation again is told `OUTCOME_UNKNOWN`, and so where the server has lost what it knew.
 *
 * @throws TypeError where the options make no sense.
 */
export function redisIdempotencyStore(
  server: RedisServer,
  options: RedisIdempotencyOptions = {},
): RedisIdempotencyStore {
  return new RedisStore(connectionSettings(server, options), options);
}

/** A mutation that runs here, or whose outcome waits to be stored. */
interface Claim {
  readonly record: string;
  readonly name: string;
}

/** So many keys go with one script. */
const maxBatch = 500;

class RedisStore implements RedisIdempotencyStore {
  readonly #settings: ConnectionSettings;
  readonly keepMs: number;
  readonly #leaseMs: number;
  readonly #pollMs: number;
  readonly #waitMs: number;
  readonly #maxOutcomeBytes: number;
  readonly #tag: string;
  readonly #node: string = randomBytes(9).toString("base64url");
  readonly #deadlines: Deadlines;
  readonly #commands: RedisConnection;
  readonly #readiness: Readiness;
  /** Outcomes that wait to be stored. */
  readonly #outcomes: Backlog;
  readonly #running = new Map<string, Claim>();
  /** Claims of which nobody knows whether the server has them, and for which nothing is run. */
  #abandoned: Claim[] = [];
  #claims = 0;
  #name: string | undefined = undefined;
  #renewing = false;
  #closed: Promise<void> | undefined = undefined;

  constructor(settings: ConnectionSettings, options: RedisIdempotencyOptions) {
    this.#settings = settings;
    this.keepMs = options.keepMs ?? 300_000;
    this.#leaseMs = options.leaseMs ?? 15_000;
    this.#pollMs = options.pollMs ?? 250;
    this.#waitMs = options.waitMs ?? 5_000;
    this.#maxOutcomeBytes = options.maxOutcomeBytes ?? 1024 * 1024;
    this.#outcomes = new Backlog(Number.POSITIVE_INFINITY, options.maxWaitingLength ?? 64 * 1024 * 1024);
    this.#tag = `${settings.prefix}:{idempotency}`;
    this.#deadlines = new Deadlines(settings.clock);
    const scripts = [claimScript, settleScript, renewScript];
    this.#commands = new RedisConnection(settings, { scripts, onReady: () => this.#onReady(), onLost: () => {} });
    this.#readiness = new Readiness(this.#deadlines, {
      isReady: () => this.#commands.ready,
      now: () => settings.clock.now(),
    });
    this.#commands.open();
  }

  get name(): string | undefined {
    return this.#name;
  }

  async ready(): Promise<void> {
    try {
      await this.#readiness.whenReady(this.#readiness.after(this.#waitMs));
      if (this.#name === undefined) await this.#renew();
    } catch {
      // It is away. The name is there when it is.
    }
  }

  async claim(key: string, again = ""): Promise<CallOutcome | undefined> {
    const claim = { record: this.#recordOf(key), name: `${this.#node}.${++this.#claims}` };
    for (;;) {
      const [state, outcome = unkept] = await this.#ask(claim, again);
      if (state === "done") return decodeOutcome(outcome);
      if (state === "dead" || state === "lost") throw nobodyKnows();
      if (state === "mine") {
        this.#running.set(key, claim);
        this.#renewLater();
        return undefined;
      }
      await this.#readiness.pause(this.#pollMs);
    }
  }

  /** Resolves when it is stored, however long that takes. @throws TautlineError `CONNECTION_CLOSED` */
  async settle(key: string, outcome: CallOutcome): Promise<void> {
    const claim = this.#running.get(key);
    if (claim === undefined) return;
    const text = encodeOutcome(outcome, this.#maxOutcomeBytes);
    const fits = this.#outcomes.add(text.length);
    try {
      await this.#store(claim, fits ? text : unkept);
    } finally {
      if (fits) this.#outcomes.remove(text.length);
      this.#running.delete(key);
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** A claim may be made as often as it takes: its name tells it from others. */
  async #ask(claim: Claim, again: string): Promise<[state: string, outcome?: string]> {
    const until = this.#readiness.after(this.#waitMs);
    const keys = [this.#tag, `${this.#tag}:nodes`, claim.record];
    let sent = false;
    for (;;) {
      try {
        await this.#readiness.whenReady(until);
        const args = [...this.#nodeArguments(), this.#rememberMs, claim.name, again];
        const [name, ...answer] = (await this.#commands.evaluate(claimScript, keys, args)) as [string, string, string?];
        this.#name = name;
        return answer;
      } catch (thrown) {
        if (isAway(thrown) && !this.#readiness.isOver(until)) continue;
        const answered = thrown instanceof TautlineError || replyCode(thrown) !== undefined;
        if (!answered) sent = true;
        if (!answered && !this.#readiness.isOver(until)) continue;
        if (sent) this.#abandoned.push(claim);
        throw thrown instanceof TautlineError ? thrown : unavailable(thrown);
      }
    }
  }

  async #store({ record, name }: Claim, text: string): Promise<void> {
    for (;;) {
      await this.#readiness.whenReady(Number.POSITIVE_INFINITY);
      try {
        await this.#commands.evaluate(settleScript, [record], [name, text, wholeMs(this.keepMs)]);
        return;
      } catch (thrown) {
        if (!isAway(thrown)) this.#settings.onError(thrown);
        await this.#readiness.pause(this.#pollMs);
      }
    }
  }

  #onReady(): void {
    this.#readiness.onReady();
    // What fails is done again when the connection is there again.
    this.#renew().catch(() => {});
    this.#takeBack().catch(() => {});
  }

  async #takeBack(): Promise<void> {
    const claims = this.#abandoned;
    this.#abandoned = [];
    for (const claim of claims) {
      try {
        await this.#commands.evaluate(abandonScript, [claim.record], [claim.name]);
      } catch {
        this.#abandoned.push(claim);
      }
    }
  }

  #renewLater(): void {
    if (this.#renewing || this.#closed !== undefined || this.#running.size === 0) return;
    this.#renewing = true;
    this.#deadlines.add(this.#leaseMs / 3, () => {
      this.#renewing = false;
      this.#renewLater();
      this.#renew().catch(() => {});
    });
  }

  async #renew(): Promise<void> {
    const records = [...this.#running.values()].map(({ record }) => record);
    for (let start = 0; start === 0 || start < records.length; start += maxBatch) {
      const keys = [this.#tag, `${this.#tag}:nodes`, ...records.slice(start, start + maxBatch)];
      this.#name = String(
        await this.#commands.evaluate(renewScript, keys, [...this.#nodeArguments(), this.#rememberMs]),
      );
    }
  }

  async #close(): Promise<void> {
    this.#readiness.fail(new TautlineError({ code: "CONNECTION_CLOSED", message: "the store is closed" }));
    this.#deadlines.clear();
    await this.#commands.evaluate(leaveScript, [`${this.#tag}:nodes`], [this.#node]).catch(() => {});
    await this.#commands.close();
  }

  #nodeArguments(): string[] {
    return [this.#commands.history, this.#node, this.#settings.durable ? "1" : "0", this.#node, String(this.#leaseMs)];
  }

  /** For how long a mutation that runs is remembered unless that is renewed: as an outcome is, from when its node is dead. */
  get #rememberMs(): string {
    return wholeMs(this.keepMs + this.#leaseMs);
  }

  /** Keys hold whom a mutation belongs to, which is nobody's business who looks into the database. */
  #recordOf(key: string): string {
    return `${this.#tag}:${createHash("sha256").update(key).digest("base64url")}`;
  }
}

/** PEXPIRE knows whole ms, and nothing that lasts for ever: at most 100 years. */
function wholeMs(ms: number): string {
  return String(Math.ceil(Math.min(ms, 100 * 365 * 86_400_000)));
}
