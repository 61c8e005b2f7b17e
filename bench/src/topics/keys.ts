// Whether publishing to 1,000 keys of one subscriber each depends on how many other keys there are.
import { parseArgs } from "node:util";
import { createHub, type Topic } from "@tautline/server";
import { z } from "zod";
import { quantile } from "../measurement.ts";

const { values } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== "--"),
  options: { rounds: { type: "string", default: "40" }, assert: { type: "boolean", default: false } },
});
const rounds = Number(values.rounds);
const busyKeys = 1000;
const mostRatio = 1.1;
const Event = z.object({ n: z.number() });
type Events = Topic<{ n: number }, { n: number }, { id: string }, { id: string }>;

/** A topic with idle keys, each with an event in its history and a subscriber, and busy ones. */
class KeyedTopic {
  readonly #topic: Events = createHub().topic("events", Event);
  received = 0;

  async fill(idleKeys: number): Promise<void> {
    for (let key = 0; key < idleKeys; key++) {
      await this.#topic.publish(`idle ${key}`, { n: 0 });
      void this.#topic.subscribe(`idle ${key}`)[Symbol.asyncIterator]().next();
    }
    for (let key = 0; key < busyKeys; key++) void this.#read(`busy ${key}`);
  }

  /** CPU for each publish, in µs. */
  async measure(): Promise<number> {
    const before = process.cpuUsage();
    const from = this.received;
    for (let key = 0; key < busyKeys; key++) await this.#topic.publish(`busy ${key}`, { n: key });
    while (this.received < from + busyKeys) await new Promise((resolve) => setImmediate(resolve));
    const { user, system } = process.cpuUsage(before);
    return (user + system) / busyKeys;
  }

  async #read(key: string): Promise<void> {
    for await (const _ of this.#topic.subscribe(key)) this.received++;
  }
}

const few = new KeyedTopic();
const many = new KeyedTopic();
await few.fill(10);
await many.fill(100_000);
const figures = { few: [] as number[], many: [] as number[] };
for (let round = -10; round < rounds; round++) {
  const measured = { few: await few.measure(), many: await many.measure() };
  if (round < 0) continue;
  figures.few.push(measured.few);
  figures.many.push(measured.many);
}
const quiet = (all: number[]): number =>
  quantile(
    all.sort((a, b) => a - b),
    0.2,
  );
const ratio = quiet(figures.many) / quiet(figures.few);
const holds = ratio <= mostRatio;
console.log(
  `a publish to one of ${busyKeys} keys: ${quiet(figures.few).toFixed(2)} µs of CPU beside 10 idle keys, ` +
    `${quiet(figures.many).toFixed(2)} µs beside 100,000: ${ratio.toFixed(3)}×, at most ${mostRatio}×: ${holds ? "holds" : "MISSED"}`,
);
if (values.assert && !holds) process.exitCode = 1;
process.exit();
