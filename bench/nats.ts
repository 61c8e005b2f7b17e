// What a NATS broker costs: a publish with its delivery, for 1,000 keys among few idle ones and among many, and an idle key.
// node --expose-gc --import tsx --conditions=@tautline/source bench/nats.ts [idle keys]
import { natsBroker } from "@tautline/nats";
import type { Broker, BrokerTopic, Closable } from "@tautline/server";
import { NatsServer } from "../packages/nats/testing/nats-server.ts";

const idleKeys = Number(process.argv[2] ?? 100_000);
const rounds = 61;
const limits = { maxEvents: 1_000, maxAgeMs: 3_600_000, maxBytes: 1024 * 1024 };
const text = "x".repeat(200);
const patient = { waitMs: 10_000 };
const busy = Array.from({ length: 1_000 }, (_, index) => `busy ${index}`);

let started = 0;
let heard = 0;
let onHeard: (() => void) | undefined;
const listener = {
  onStarted: () => void started++,
  onGap: () => {},
  onEvent: () => {
    if (++heard === busy.length) onHeard?.();
  },
};

async function followAll(topic: BrokerTopic, keys: readonly string[]): Promise<Closable[]> {
  started = 0;
  const follows = keys.map((key) => topic.follow(key, listener));
  while (started < keys.length) await new Promise((resolve) => setTimeout(resolve, 5));
  return follows;
}

/** One event for each busy key: until all are stored and heard. */
async function round(topic: BrokerTopic): Promise<number> {
  heard = 0;
  const all = new Promise<void>((resolve) => {
    onHeard = resolve;
  });
  const begun = performance.now();
  await Promise.all(busy.map((key) => topic.publish(key, text, patient)));
  await all;
  return performance.now() - begun;
}

async function measure(topic: BrokerTopic): Promise<{ ms: number; ownUs: number }> {
  const times: number[] = [];
  await round(topic);
  const before = process.cpuUsage();
  for (let count = 0; count < rounds; count++) times.push(await round(topic));
  const { user, system } = process.cpuUsage(before);
  times.sort((a, b) => a - b);
  return { ms: times[Math.floor(rounds / 4)] ?? 0, ownUs: (user + system) / rounds / busy.length };
}

async function memory(server: NatsServer): Promise<{ node: number; nats: number }> {
  globalThis.gc?.();
  return { node: process.memoryUsage().heapUsed, nats: await server.memory() };
}

const server = await NatsServer.start();
const broker: Broker = natsBroker({ servers: server.url });
const topic = broker.openTopic("topic", limits);
await topic.publish("warm", "up", patient);
await followAll(topic, busy);
await followAll(
  topic,
  Array.from({ length: 10 }, (_, index) => `idle ${index}`),
);
for (let count = 0; count < 20; count++) await round(topic);

const few = await measure(topic);
const without = await memory(server);
const begun = performance.now();
const idle = await followAll(
  topic,
  Array.from({ length: idleKeys }, (_, index) => `idle ${index + 10}`),
);
const followedMs = performance.now() - begun;
const withAll = await memory(server);
const many = await measure(topic);
const fewAgain = await (async () => {
  for (const follow of idle) follow.close();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  return await measure(topic);
})();

const row = (name: string, { ms, ownUs }: { ms: number; ownUs: number }): string =>
  `${name}: ${ms.toFixed(1)} ms for ${busy.length} events stored and heard, ${ownUs.toFixed(1)} µs of this process each`;
console.log(row("10 idle keys", few));
console.log(row(`${idleKeys} idle keys`, many));
console.log(row("10 again", fewAgain));
console.log(
  `${(many.ms / Math.min(few.ms, fewAgain.ms)).toFixed(2)}× in time, ${(many.ownUs / Math.min(few.ownUs, fewAgain.ownUs)).toFixed(2)}× in CPU`,
);
console.log(
  `an idle key that is followed: ${((withAll.node - without.node) / idleKeys).toFixed(0)} bytes here, ` +
    `${((withAll.nats - without.nats) / idleKeys).toFixed(0)} in NATS; all followed in ${followedMs.toFixed(0)} ms`,
);
await broker.close();
await server.close();
