import type { SnapshotKind, TopicKey, TopicSettings } from "./topic-world.ts";

export interface StoreSettings {
  readonly keepMs: number;
  readonly maxEntries: number;
  /** It may lose all that it knew. */
  readonly losable: boolean;
}

/** How the two ends are set up. */
export interface Settings {
  readonly clients: number;
  readonly latencyMs: readonly [number, number];
  readonly connectMs: readonly [number, number];
  /** Small: it overflows. */
  readonly replayBytes: number;
  readonly clientReplayBytes: number;
  readonly sessionWindowMs: number;
  readonly maxParkedSessions: number;
  /** How long the context takes, in ms; 0: at once. */
  readonly contextMs: number;
  /** What the servers' store remembers of mutations, where they share one. */
  readonly store: StoreSettings | undefined;
  /** How many connections are refused for a fault of the server's. */
  readonly refusals: number;
  /** Whether there are topics, and what is kept of them. */
  readonly topics: TopicSettings | undefined;
  /** Events may be large. */
  readonly heavy: boolean;
  /** So much on its way is much. */
  readonly highWaterLength: number;
}

/** What a frame must hold for a cut that waits for it. */
export type CutPoint = "hello" | "welcome" | "replay" | "ack" | "result" | "item" | "event" | "channel" | "goaway";

export type Step =
  | {
      readonly do: "call";
      readonly client: number;
      readonly kind: "query" | "mutation" | "idempotent";
      readonly waitMs: number;
      readonly heeds: boolean;
      readonly fails: boolean;
      readonly timeoutMs: number | undefined;
    }
  | {
      readonly do: "subscribe";
      readonly client: number;
      readonly path: "tracked" | "untracked" | "events";
      readonly count: number;
      readonly everyMs: number;
      readonly padding: number;
      /** Events that its handler publishes before each item, and after it. */
      readonly publishes: number;
      readonly key: TopicKey;
    }
  /** A subscription to a topic. */
  | {
      readonly do: "follow";
      readonly client: number;
      readonly path: "plain" | "even" | "mapped" | "checked" | "marked" | "late" | "state";
      /** Of one topic, sorted. */
      readonly keys: readonly TopicKey[];
      /** With the path `"state"`: how its snapshots are taken. */
      readonly snapshot: SnapshotKind;
      readonly policy: "buffer" | "latest" | "close";
      /** How long it takes for each event. */
      readonly takeMs: number;
      /** It unsubscribes while it gets this one. */
      readonly stopAt: number;
      /** It begins so many events back. 0: with those to come. */
      readonly back: number;
    }
  /** Ends the n-th subscription to a topic. */
  | { readonly do: "unfollow"; readonly nth: number }
  | { readonly do: "publish"; readonly key: TopicKey; readonly count: number; readonly padding: number }
  /** A call with a stream up, down or both ways, or one that its handler needs the client for. */
  | {
      readonly do: "stream";
      readonly client: number;
      readonly path: "upload" | "download" | "duplex" | "ask";
      readonly count: number;
      readonly everyMs: number;
      readonly padding: number;
      readonly fails: boolean;
      readonly readMs: number;
      /** The reader has enough after so many. */
      readonly stopAt: number;
    }
  /** Ends the n-th call that is open. */
  | { readonly do: "cancel"; readonly nth: number }
  | { readonly do: "append"; readonly count: number }
  | { readonly do: "wait"; readonly ms: number }
  /** So many frames on their way from each end arrive first. */
  | { readonly do: "cut"; readonly nth: number; readonly arrived: { readonly client: number; readonly server: number } }
  /** Cuts where the next such frame is sent, or has arrived. */
  | { readonly do: "cutAt"; readonly point: CutPoint; readonly step: "sent" | "arrived" }
  | { readonly do: "stall"; readonly nth: number; readonly end: "client" | "server"; readonly ms: number }
  /** One end is gone, and the other does not know. */
  | {
      readonly do: "lose";
      readonly nth: number;
      readonly end: "client" | "server";
      readonly sent: "lost" | "arrives";
    }
  | { readonly do: "offline"; readonly ms: number }
  | { readonly do: "reconnect"; readonly client: number }
  /** A new connection while the old one, which is slow, lives on. */
  | { readonly do: "takeover"; readonly client: number; readonly ms: number }
  /** The next hello is slow, and a newer connection's overtakes it. */
  | { readonly do: "overtake"; readonly client: number; readonly ms: number }
  | { readonly do: "authenticate"; readonly client: number }
  /** The store of mutations loses everything. */
  | { readonly do: "forget" }
  /** The broker loses everything. */
  | { readonly do: "flush" }
  /** History loses all but the newest so many events. */
  | { readonly do: "trim"; readonly kept: number }
  /** A second server takes its place, and the first one closes. */
  | { readonly do: "drain"; readonly drainMs: number }
  /** A second server takes its place, and the first one is gone without a word. */
  | { readonly do: "kill" };

/** What is done in one run. All of it comes from the seed. */
export interface Schedule {
  readonly seed: number;
  readonly settings: Settings;
  readonly steps: readonly Step[];
}
