import type { Closable } from "@tautline/server";
import type { Backlog } from "./backlog.ts";
import type { CatchUps } from "./catch-ups.ts";
import type { Epochs } from "./epochs.ts";
import type { Readiness } from "./readiness.ts";
import type { RedisConnection } from "./redis-connection.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** What the topics of one broker share. */
export interface RedisHost {
  readonly prefix: string;
  readonly db: number;
  readonly commands: RedisConnection;
  readonly subscriptions: Subscriptions;
  readonly catchUps: CatchUps;
  readonly readiness: Readiness;
  /** Publishes that have not settled. */
  readonly publishes: Backlog;
  readonly epochs: Epochs;
  /** What is closed with the broker at the latest. */
  readonly open: Set<Closable>;
  /** What every script on a log is told; see `shardScript`. */
  shardArguments(forgetMs: string): readonly string[];
  /** @throws TautlineError `CONNECTION_CLOSED` */
  check(): void;
}
