import { SeededRandom } from "@tautline/core/testing";
import type { CutPoint, Schedule, Settings, Step, StoreSettings } from "./schedule.ts";
import { type TopicKey, type TopicSettings, topicKeys } from "./topic-world.ts";

export function createSchedule(seed: number): Schedule {
  const random = new SeededRandom(seed);
  const settings = createSettings(random);
  const steps: Step[] = [];
  if (settings.topics !== undefined)
    for (let left = random.integer(1, 4); left > 0; left--) steps.push(createFollow(random, settings));
  for (let left = random.integer(5, 30); left > 0; left--) steps.push(...createSteps(random, settings));
  return { seed, settings, steps };
}

function createSettings(random: SeededRandom): Settings {
  const small = random.chance(0.15);
  const topics = random.chance(0.4) ? createTopics(random) : undefined;
  return {
    clients: topics === undefined ? (random.chance(0.25) ? 2 : 1) : random.pick([1, 1, 2, 3]),
    latencyMs: random.pick([
      [1, 1],
      [1, 10],
      [0, 40],
    ] as const),
    connectMs: random.pick([
      [1, 1],
      [1, 30],
      [5, 200],
    ] as const),
    replayBytes: small && random.chance(0.7) ? random.pick([200, 1_000, 2_000, 20_000]) : 1024 * 1024,
    clientReplayBytes: small && random.chance(0.5) ? random.integer(150, 600) : 1024 * 1024,
    sessionWindowMs: random.chance(0.1) ? 300 : 4_000,
    maxParkedSessions: random.chance(0.05) ? 1 : 10_000,
    contextMs: random.pick([0, 0, 0, 1, 30]),
    store: random.chance(0.2) ? createStore(random) : undefined,
    refusals: random.chance(0.05) ? 1 : 0,
    topics,
    heavy: topics !== undefined && random.chance(0.2),
    highWaterLength: topics !== undefined && random.chance(0.15) ? random.pick([1_000, 20_000]) : 1024 * 1024,
  };
}

/** Half of them remember all that is asked for in so short a time. */
function createStore(random: SeededRandom): StoreSettings {
  if (random.chance(0.5)) return { keepMs: 300_000, maxEntries: 100_000, losable: false };
  return { keepMs: random.pick([500, 2_000, 300_000]), maxEntries: random.pick([1, 3, 100_000]), losable: true };
}

/** Of the events that are published at once. */
const mostText = 1_500_000;

/** With all that is kept by default there is no gap in so short a time. */
function createTopics(random: SeededRandom): TopicSettings {
  if (random.chance(0.5)) return { historyEvents: 1_000, bufferEvents: 1_000 };
  return { historyEvents: random.pick([0, 1, 3, 10, 1_000]), bufferEvents: random.pick([1, 2, 5, 12, 1_000]) };
}

const cutPoints: readonly CutPoint[] = [
  "hello",
  "welcome",
  "replay",
  "ack",
  "result",
  "item",
  "event",
  "channel",
  "goaway",
];
const ends = ["client", "server"] as const;

/** One thing of the application's or one fault, and as a rule a while after it. */
function createSteps(random: SeededRandom, settings: Settings): readonly Step[] {
  const wait: Step = { do: "wait", ms: random.pick([0, 1, 3, 10, 30, 100, 300]) };
  const isUse = random.chance(0.6);
  if (!isUse && settings.topics !== undefined && random.chance(0.12)) return createRestart(random);
  const step = isUse ? createUse(random, settings) : createFault(random, settings);
  // In the middle of its being taken.
  if (step.do === "follow" && step.snapshot === "late")
    return [
      step,
      { do: "wait", ms: random.pick([10, 30]) },
      { do: "publish", key: pickKey(random), count: 3, padding: 0 },
      wait,
    ];
  if (step.do === "authenticate" && random.chance(0.5)) return [step, { do: "reconnect", client: step.client }];
  return random.chance(0.7) ? [step, wait] : [step];
}

/** Of a process with its broker, or of one of the two. */
function createRestart(random: SeededRandom): readonly Step[] {
  return random.pick([[{ do: "kill" }], [{ do: "flush" }], [{ do: "kill" }, { do: "flush" }]] as const);
}

/** Of sessions, of answers, and of what a store knows of both. */
function createLoss(random: SeededRandom): Step {
  return random.pick([
    { do: "forget" },
    { do: "kill" },
    { do: "offline", ms: 6_000 },
    { do: "cutAt", point: "result", step: "sent" },
    { do: "cutAt", point: "welcome", step: "sent" },
    { do: "cutAt", point: "hello", step: "arrived" },
  ] as const);
}

function createUse(random: SeededRandom, settings: Settings): Step {
  const { clients, topics, store } = settings;
  if (store?.losable === true && random.chance(0.5))
    return createCall(random, random.integer(0, clients - 1), "mutation");
  if (topics !== undefined && random.chance(0.6)) return createTopicUse(random, settings);
  const client = random.integer(0, clients - 1);
  const choice = random.next();
  if (choice < 0.4) {
    const kind = random.pick(["query", "query", "mutation", "mutation", "mutation", "idempotent"] as const);
    return createCall(random, client, kind);
  }
  if (choice < 0.6) {
    return {
      do: "stream",
      client,
      path: random.pick(["upload", "download", "duplex", "ask"]),
      count: random.pick([0, 1, 5, 20, 60]),
      everyMs: random.pick([0, 0, 1, 10, 50]),
      padding: random.pick([0, 0, 50, 1_200, 20_000]),
      fails: random.chance(0.1),
      readMs: random.pick([0, 0, 1, 20]),
      stopAt: random.chance(0.2) ? random.integer(0, 20) : 1_000,
    };
  }
  if (choice < 0.8) {
    return {
      do: "subscribe",
      client,
      path: random.pick(["tracked", "untracked", "events"]),
      count: random.pick([1, 5, 20, 60]),
      everyMs: random.pick([0, 0, 1, 10, 50]),
      padding: random.pick([0, 0, 50, 1_200]),
      publishes: topics === undefined ? 0 : random.pick([0, 1, 1, 3]),
      key: random.pick(topicKeys),
    };
  }
  return choice < 0.9 ? { do: "append", count: random.integer(1, 5) } : { do: "cancel", nth: random.integer(0, 9) };
}

function createCall(random: SeededRandom, client: number, kind: "query" | "mutation" | "idempotent"): Step {
  return {
    do: "call",
    client,
    kind,
    waitMs: random.pick([0, 0, 1, 20, 200, 1_000]),
    heeds: random.chance(0.5),
    fails: random.chance(0.1),
    timeoutMs: random.chance(0.1) ? random.integer(1, 300) : undefined,
  };
}

function createTopicUse(random: SeededRandom, settings: Settings): Step {
  const choice = random.next();
  if (choice < 0.4) return createFollow(random, settings);
  if (choice < 0.5) return { do: "unfollow", nth: random.integer(0, 9) };
  const padding = random.pick(settings.heavy ? [0, 1_500, 20_000, 70_000, 300_000] : [0, 0, 0, 200, 1_500]);
  const count = random.pick(settings.heavy ? [1, 1, 3, 10, 40] : [1, 1, 1, 3, 10, 40, 200]);
  const most = Math.ceil(mostText / (padding + 1));
  return { do: "publish", key: pickKey(random), count: Math.min(count, most), padding };
}

function createFollow(random: SeededRandom, { clients }: Settings): Step {
  const snapshot = random.chance(0.22) ? random.pick(["now", "late", "late"] as const) : "none";
  const key = pickKey(random);
  return {
    do: "follow",
    client: random.integer(0, clients - 1),
    path:
      snapshot === "none"
        ? random.pick(["plain", "plain", "plain", "plain", "checked", "checked", "marked", "even", "mapped", "late"])
        : "state",
    keys: random.chance(0.2) ? topicKeys.filter((other) => other.slice(0, 4) === key.slice(0, 4)) : [key],
    snapshot,
    policy: random.pick(["buffer", "buffer", "buffer", "latest", "close"]),
    takeMs: random.pick([0, 0, 0, 5, 50, 400]),
    stopAt: random.chance(0.15) ? random.integer(1, 10) : Number.POSITIVE_INFINITY,
    back: random.chance(0.2) ? random.integer(1, 250) : 0,
  };
}

/** One of them as a rule: events that many get go another way. */
function pickKey(random: SeededRandom): TopicKey {
  return random.chance(0.7) ? topicKeys[0] : random.pick(topicKeys);
}

function createFault(random: SeededRandom, { clients, topics, store }: Settings): Step {
  if (store?.losable === true && random.chance(0.6)) return createLoss(random);
  if (topics !== undefined && random.chance(0.05)) return { do: "trim", kept: random.pick([0, 0, 1, 5]) };
  const client = random.integer(0, clients - 1);
  const nth = random.integer(0, 3);
  const end = random.pick(ends);
  const choice = random.next();
  if (choice < 0.25) return { do: "cut", nth, arrived: { client: random.integer(0, 2), server: random.integer(0, 2) } };
  if (choice < 0.55) return { do: "cutAt", point: random.pick(cutPoints), step: random.pick(["sent", "arrived"]) };
  if (choice < 0.63) return { do: "stall", nth, end, ms: random.pick([5, 50, 500, 9_000]) };
  if (choice < 0.7) return { do: "lose", nth, end, sent: random.pick(["lost", "arrives"]) };
  if (choice < 0.75) return { do: "offline", ms: random.pick([50, 500, 6_000]) };
  if (choice < 0.8) return { do: "reconnect", client };
  if (choice < 0.85) return { do: "takeover", client, ms: random.pick([5, 50, 500]) };
  if (choice < 0.88) return { do: "overtake", client, ms: random.pick([50, 100, 500]) };
  if (choice < 0.91) return { do: "authenticate", client };
  if (choice < 0.98) return { do: "drain", drainMs: random.pick([0, 50, 500, 3_000]) };
  return { do: "kill" };
}
