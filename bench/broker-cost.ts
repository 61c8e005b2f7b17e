// What a broker costs: a publish with its delivery, for 1,000 keys among few idle ones and among many, to one node and to several.
import type { Broker, BrokerTopic, Closable } from "@tautline/server";

/** A server that brokers connect to. */
export interface MeasuredServer {
  readonly name: string;
  createBroker(): Broker;
  /** What it takes, in bytes. */
  memory(): Promise<number>;
  /** The CPU time that it has used, in µs. */
  cpuUs(): Promise<number>;
}

/** For each event of one round: until all were stored and heard; and CPU time, here (of all nodes) and in the server. */
interface Cost {
  readonly wallUs: number;
  readonly ownUs: number;
  readonly serverUs: number;
}

const rounds = 61;
const limits = { maxEvents: 1_000, maxAgeMs: 3_600_000, maxBytes: 1024 * 1024 };
const text = "x".repeat(200);
const patient = { waitMs: 10_000 };
const busy = Array.from({ length: 1_000 }, (_, index) => `busy ${index}`);

export async function measureBroker(server: MeasuredServer, idleKeys: number): Promise<void> {
  const world = new BrokerWorld(server);
  await world.addNode();
  await world.followIdle(0, 10);
  const empty = await world.memory();
  const few = await world.measure();
  print("10 idle keys", few);
  const before = await world.memory();
  const stored = (before.server - empty.server) / ((rounds + 1) * busy.length);
  console.log(`an event of ${text.length} bytes in the history: ${stored.toFixed(0)} bytes of ${server.name}'s memory`);
  const begun = performance.now();
  const idle = await world.followIdle(10, idleKeys);
  const followedMs = performance.now() - begun;
  const after = await world.memory();
  const many = await world.measure();
  print(`${idleKeys} idle keys`, many);
  for (const follow of idle) follow.close();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const again = await world.measure();
  print("10 again", again);
  const times = (of: (cost: Cost) => number): string => (of(many) / Math.min(of(few), of(again))).toFixed(2);
  console.log(`${times((cost) => cost.wallUs)}× in time, ${times((cost) => cost.ownUs)}× in CPU`);
  const each = (of: "own" | "server"): string => ((after[of] - before[of]) / idleKeys).toFixed(0);
  console.log(
    `an idle key that is followed: ${each("own")} bytes here, ${each("server")} in ${server.name}; all followed in ${followedMs.toFixed(0)} ms`,
  );
  for (let nodes = 2; nodes <= 4; nodes++) {
    await world.addNode();
    print(`${nodes} nodes that follow all`, await world.measure());
  }
  await world.close();
}

function print(name: string, { wallUs, ownUs, serverUs }: Cost): void {
  console.log(
    `${name}: ${wallUs.toFixed(1)} µs for each event, one of ${busy.length} at a time; CPU ${ownUs.toFixed(1)} µs here and ` +
      `${serverUs.toFixed(1)} µs in the server`,
  );
}

/** Nodes that all follow the busy keys. The first one publishes. */
class BrokerWorld {
  readonly #server: MeasuredServer;
  readonly #brokers: Broker[] = [];
  readonly #topics: BrokerTopic[] = [];
  #started = 0;
  #heard = 0;
  #onHeard: () => void = () => {};
  readonly #listener = {
    onStarted: (): void => void this.#started++,
    onGap: (): void => {},
    onEvent: (): void => {
      if (++this.#heard === busy.length * this.#topics.length) this.#onHeard();
    },
  };

  constructor(server: MeasuredServer) {
    this.#server = server;
  }

  async addNode(): Promise<void> {
    const broker = this.#server.createBroker();
    const topic = broker.openTopic("topic", limits);
    this.#brokers.push(broker);
    this.#topics.push(topic);
    await topic.publish("warm", "up", patient);
    await this.#follow(topic, busy);
    for (let count = 0; count < 20; count++) await this.#round();
  }

  followIdle(from: number, count: number): Promise<Closable[]> {
    return this.#follow(
      this.#first,
      Array.from({ length: count }, (_, index) => `idle ${from + index}`),
    );
  }

  /** Time is of the quickest quarter of the rounds, CPU of all. */
  async measure(): Promise<Cost> {
    const times: number[] = [];
    await this.#round();
    const own = process.cpuUsage();
    const server = await this.#server.cpuUs();
    for (let count = 0; count < rounds; count++) times.push(await this.#round());
    const { user, system } = process.cpuUsage(own);
    times.sort((a, b) => a - b);
    const events = rounds * busy.length;
    return {
      wallUs: ((times[Math.floor(rounds / 4)] ?? Number.NaN) * 1_000) / busy.length,
      ownUs: (user + system) / events,
      serverUs: ((await this.#server.cpuUs()) - server) / events,
    };
  }

  async memory(): Promise<{ readonly own: number; readonly server: number }> {
    globalThis.gc?.();
    return { own: process.memoryUsage().heapUsed, server: await this.#server.memory() };
  }

  async close(): Promise<void> {
    for (const broker of this.#brokers) await broker.close();
  }

  get #first(): BrokerTopic {
    const [first] = this.#topics;
    if (first === undefined) throw new Error("there is no node");
    return first;
  }

  async #follow(topic: BrokerTopic, keys: readonly string[]): Promise<Closable[]> {
    this.#started = 0;
    const follows = keys.map((key) => topic.follow(key, this.#listener));
    while (this.#started < keys.length) await new Promise((resolve) => setTimeout(resolve, 5));
    return follows;
  }

  /** One event for each busy key, until all are stored and heard on all nodes; in ms. */
  async #round(): Promise<number> {
    this.#heard = 0;
    const all = new Promise<void>((resolve) => {
      this.#onHeard = resolve;
    });
    const begun = performance.now();
    await Promise.all(busy.map((key) => this.#first.publish(key, text, patient)));
    await all;
    return performance.now() - begun;
  }
}
