// What a topic costs by itself, without sockets: memory for each subscription that waits, and CPU time for each publish and delivery.
// Run it with --expose-gc.
import { createHub, type TopicSubscription } from "@tautline/server";
import { z } from "zod";

const Event = z.object({ n: z.number(), text: z.string() });
const text = "x".repeat(170);

/** Takes what comes, at once. */
class Receiver {
  taken = 0;
  readonly #reader;

  constructor(subscription: TopicSubscription<unknown>) {
    this.#reader = subscription.read(this, undefined);
    this.#reader.open();
  }

  onStarted(): void {}
  onEnded(): void {}

  onReady(): void {
    while (this.#reader.take() !== undefined) this.taken++;
  }
}

function createTopic() {
  return createHub({ onError: () => {} }).topic("events", Event);
}

function subscribe(topic: ReturnType<typeof createTopic>, count: number, keyOf: (index: number) => string): Receiver[] {
  return Array.from({ length: count }, (_, index) => new Receiver(topic.subscribe(keyOf(index))));
}

function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

function cpuUs(run: () => void): number {
  const start = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(start);
  return user + system;
}

/** The least of some turns: what else the machine does only ever adds. */
function least(turns: number, run: () => number): number {
  return Math.min(...Array.from({ length: turns }, run));
}

for (const [name, keyOf] of Object.entries({
  "one key": () => "key",
  "a key each": (index: number) => `key ${index}`,
})) {
  const topic = createTopic();
  subscribe(topic, 100, (index) => `warm ${index}`);
  const before = heapBytes();
  const receivers = subscribe(topic, 20_000, keyOf);
  console.log(`a subscription that waits, ${name}: ${Math.round((heapBytes() - before) / receivers.length)} bytes`);
}

for (const idle of [10, 100_000]) {
  const topic = createTopic();
  subscribe(topic, idle, (index) => `idle ${index}`);
  const receivers = subscribe(topic, 1_000, (index) => `key ${index}`);
  const us = least(10, () =>
    cpuUs(() => {
      for (let n = 0; n < 50_000; n++) void topic.publish(`key ${n % receivers.length}`, { n, text });
    }),
  );
  console.log(`a publish to one of 1,000 keys with a subscriber, ${idle} idle ones: ${(us / 50_000).toFixed(2)} µs`);
}

for (const count of [500, 2_000]) {
  const topic = createTopic();
  const receivers = subscribe(topic, count, () => "key");
  const us = least(10, () =>
    cpuUs(() => {
      for (let n = 0; n < 500; n++) void topic.publish("key", { n, text });
    }),
  );
  console.log(`a delivery to one of ${receivers.length}: ${((us * 1_000) / 500 / count).toFixed(0)} ns`);
}
