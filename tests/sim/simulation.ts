import { createClient, type RouterClient, streams } from "@tautline/client";
import { expose } from "@tautline/client/expose";
import { rich, TautlineError } from "@tautline/core";
import {
  type CallKind,
  type Following,
  findViolations,
  History,
  type LinkEnd,
  type MemoryConnection,
  MemoryNetwork,
  type Traffic,
  textOf,
  type Violation,
} from "@tautline/core/testing";
import { type IdempotencyStore, memoryIdempotencyStore } from "@tautline/server";
import { createMemoryServer, type MemoryServer } from "@tautline/server/testing";
import { TRPCError } from "@trpc/server";
import { clientApi, type Item, router, type SimRouter, World } from "./application.ts";
import { everyOf, Follower } from "./follower.ts";
import type { CutPoint, Schedule, Step } from "./schedule.ts";
import type { StreamItem } from "./stream-world.ts";
import { topicKeys } from "./topic-world.ts";
import { written } from "./transformer.ts";
import { type CutKind, Witness } from "./witness.ts";

/** What one schedule came to. */
export interface Outcome {
  readonly violations: readonly Violation[];
  readonly cuts: ReadonlySet<CutKind>;
  readonly calls: number;
  readonly items: number;
  /** Events of topics that subscriptions got, and the gaps that they were told of. */
  readonly events: number;
  readonly gaps: number;
}

/** How long everything may take to settle after the last fault, in ms: heartbeats, time-outs and delays of every kind, one after another. */
const settleMs = 60_000;
/** The same for subscribers who have a lot to catch up with, over a connection that carries it piece by piece. */
const catchUpMs = 600_000;

/** Runs a schedule against the real client and the real server. @param trace takes lines that tell what happens. */
export async function simulate(schedule: Schedule, trace?: (line: string) => void): Promise<Outcome> {
  const simulation = new Simulation(schedule, trace);
  return await simulation.run();
}

interface OpenCall {
  readonly call: string;
  cancel(): void;
}

class Simulation {
  readonly #schedule: Schedule;
  readonly #trace: ((line: string) => void) | undefined;
  readonly #network: MemoryNetwork;
  readonly #history: History;
  readonly #world: World;
  readonly #witness: Witness;
  readonly #names: readonly string[];
  readonly #clients: RouterClient<SimRouter>[];
  readonly #servers: MemoryServer[] = [];
  /** Shared by all servers, where there is one. */
  readonly #store: IdempotencyStore | undefined;
  readonly #closing: Promise<void>[] = [];
  readonly #open = new Map<string, OpenCall>();
  readonly #followers = new Set<Follower>();
  /** Cuts that wait for a frame. */
  readonly #awaited: { readonly point: CutPoint; readonly step: Traffic["step"] }[] = [];
  /** The next hello is to be stalled, and overtaken. */
  #overtaken: { readonly client: number; readonly ms: number } | undefined = undefined;
  readonly #stalls: (() => void)[] = [];
  #calls = 0;
  /** Credentials on their way. */
  #authentications = 0;
  #refusals: number;
  /** About the length of the largest message. */
  readonly #largest: number;
  #over = false;

  constructor(schedule: Schedule, trace: ((line: string) => void) | undefined) {
    const { seed, settings } = schedule;
    this.#schedule = schedule;
    this.#trace = trace;
    this.#refusals = settings.refusals;
    this.#store = settings.store ? memoryIdempotencyStore({ now: () => this.#network.clock.now() }) : undefined;
    this.#names = ["ann", "bob", "cat"].slice(0, settings.clients);
    this.#network = new MemoryNetwork({
      seed,
      settle: () => new Promise((resolve) => setImmediate(resolve)),
      latencyMs: settings.latencyMs,
      connectMs: settings.connectMs,
      highWaterLength: settings.highWaterLength,
      onTraffic: (traffic, connection) => this.#onTraffic(traffic, connection),
      onGone: (end, connection) => this.#onGone(end, connection),
    });
    const { clock } = this.#network;
    this.#history = new History(clock);
    const largest = Math.max(...schedule.steps.map((step) => ("padding" in step ? step.padding : 0))) + 200;
    this.#largest = largest;
    // A message that is as large as the buffer goes past it.
    const mostAhead = 4 * largest < settings.replayBytes ? settings.replayBytes / 2 : Number.POSITIVE_INFINITY;
    this.#world = new World(this.#history, clock, mostAhead, settings.topics ?? { historyEvents: 0, bufferEvents: 0 });
    this.#witness = new Witness(this.#history, settings, this.#names, () => clock.now());
    this.#witness.emittedLength = () => this.#world.emittedLength;
    this.#startServer();
    this.#clients = this.#names.map((name) => this.#createClient(name));
  }

  async run(): Promise<Outcome> {
    for (const step of this.#schedule.steps) {
      this.#say(() => JSON.stringify(step));
      await this.#take(step);
      await this.#advance(0);
    }
    await this.#heal();
    await this.#close();
    if (this.#calm) this.#history.add("calm", {});
    const violations = findViolations(this.#history);
    if (this.#trace !== undefined)
      for (const { invariant, message } of violations) this.#say(() => `${invariant} ${message}`);
    const { received: events, gaps } = this.#world.topics;
    return { violations, cuts: this.#witness.cuts, calls: this.#calls, items: this.#world.received, events, gaps };
  }

  async #take(step: Step): Promise<void> {
    switch (step.do) {
      case "call":
        return this.#request(step);
      case "subscribe":
        return this.#subscribe(step);
      case "follow":
        return this.#follow(step);
      case "unfollow":
        return [...this.#followers][step.nth]?.unsubscribe();
      case "publish":
        for (let left = step.count; left > 0; left--) this.#world.topics.publish(step.key, step.padding);
        return;
      case "stream":
        return this.#stream(step);
      case "cancel":
        return [...this.#open.values()][step.nth]?.cancel();
      case "append":
        return this.#world.append(step.count);
      case "wait":
        return await this.#advance(step.ms);
      case "cut":
        return this.#cut(this.#network.connections.at(-1 - step.nth), step.arrived);
      case "cutAt":
        this.#awaited.push(step);
        return;
      case "stall":
        return this.#stall(this.#network.connections.at(-1 - step.nth), step.end, step.ms);
      case "lose": {
        const connection = this.#network.connections.at(-1 - step.nth);
        if (connection === undefined) return;
        this.#witness.onCut(connection);
        return connection.end(step.end).lose(step.sent);
      }
      case "offline":
        this.#network.reachable = false;
        this.#network.clock.setTimeout(() => {
          this.#network.reachable = true;
        }, step.ms);
        return this.#cut(this.#network.connections.at(-1));
      case "reconnect":
        return this.#clients[step.client]?.connection.reconnect();
      case "takeover":
        for (const connection of this.#network.connections) {
          this.#stall(connection, "client", step.ms);
          this.#stall(connection, "server", step.ms);
        }
        return this.#clients[step.client]?.connection.reconnect();
      case "overtake":
        this.#overtaken = step;
        return this.#clients[step.client]?.connection.reconnect();
      case "authenticate": {
        const client = this.#names[step.client] ?? "";
        // It fails where there is no connection, or none any more.
        this.#authentications++;
        const settled = (): void => void this.#authentications--;
        this.#clients[step.client]?.connection.authenticate({ client }).then(settled, settled);
        return;
      }
      case "drain":
        return this.#drain(step.drainMs);
      case "kill":
        return this.#kill();
    }
  }

  #request({ client, kind, waitMs, heeds, fails, timeoutMs }: Extract<Step, { do: "call" }>): void {
    const call = this.#call(client, kind === "mutation" && this.#store !== undefined ? "remembered" : kind);
    const abort = new AbortController();
    const api = this.#clients[client];
    if (api === undefined) return;
    const input = { call, waitMs, heeds, fails };
    const options = { signal: abort.signal, timeoutMs };
    const answer =
      kind === "query"
        ? api.query.query(input, options)
        : api.mutation.mutate(input, { ...options, idempotent: kind === "idempotent" });
    answer.then(
      (value: { readonly run: string } | undefined) => this.#settle(call, "ok", value?.run ?? "no run"),
      (thrown: unknown) => this.#settle(call, abort.signal.aborted ? "cancelled" : TautlineError.from(thrown).code),
    );
    this.#open.set(call, { call, cancel: () => abort.abort() });
  }

  #subscribe({ client, path, count, everyMs, padding, publishes, key }: Extract<Step, { do: "subscribe" }>): void {
    const call = this.#call(client, path === "untracked" ? "untracked" : "tracked");
    const api = this.#clients[client];
    if (api === undefined) return;
    // A planted bug may bring what is no item of this subscription's.
    const onItem = (item: Partial<Item> | undefined): void => {
      if (this.#over) return;
      const { call: of = "nobody", run = "no run", position = 0, padding: { length } = "" } = item ?? {};
      if (of !== call) this.#history.add("received", { call: `${call} for ${of}`, run, position });
      this.#world.receive(call, run, position, length);
    };
    const callbacks = {
      onError: (error: TautlineError) => this.#settle(call, error.code),
      onComplete: () => this.#settle(call, "ok"),
      onGap: () => this.#history.add("gap", { call }),
    };
    const input = { call, count, everyMs, padding, publishes, key };
    const subscription =
      path === "untracked"
        ? api.untracked.subscribe(input, { ...callbacks, onData: onItem })
        : api[path].subscribe(input, {
            ...callbacks,
            onData: (item: { data: Item } | undefined) => onItem(item?.data),
          });
    const cancel = (): void => {
      subscription.unsubscribe();
      this.#settle(call, "cancelled");
    };
    this.#open.set(call, { call, cancel });
  }

  #follow(step: Extract<Step, { do: "follow" }>): void {
    const { client, path, key, policy, back } = step;
    const api = this.#clients[client];
    if (api === undefined) return;
    const after = this.#world.topics.idBefore(back);
    const follows = { key, every: everyOf(path), policy, prompt: path !== "late" && after === undefined };
    const call = this.#call(client, "topic", { follows });
    const follower: Follower = new Follower(this.#world, api, call, { ...step, after }, (outcome) => {
      this.#followers.delete(follower);
      this.#settle(call, outcome);
    });
    this.#followers.add(follower);
    this.#open.set(call, { call, cancel: () => follower.unsubscribe() });
  }

  #stream(step: Extract<Step, { do: "stream" }>): void {
    const { client, path, readMs, stopAt, everyMs } = step;
    const call = this.#call(client, path === "upload" ? "mutation" : "query");
    const abort = new AbortController();
    const api = this.#clients[client];
    const name = this.#names[client] ?? "";
    if (api === undefined) return;
    const { streams } = this.#world;
    const options = { signal: abort.signal };
    if (path === "upload" || path === "duplex") streams.open(`${call} up`, name);
    const items = streams.give(`${call} up`, name, step);
    const answer: Promise<{ readonly run: string; readonly items?: AsyncIterable<StreamItem> }> =
      path === "upload"
        ? api.upload.mutate({ call, readMs, stopAt, items }, options)
        : path === "download"
          ? api.download.query({ call, pace: step }, options)
          : path === "duplex"
            ? api.duplex.query({ call, items }, options)
            : api.ask.query({ call, waitMs: everyMs * 4, heeds: readMs > 0, fails: false }, options);
    answer.then(
      // A planted bug may bring what is no answer.
      (value: Awaited<typeof answer> | undefined) => {
        const { run = "no run", items: down } = value ?? {};
        this.#settle(call, "ok", run);
        if (down !== undefined) void this.#read(`${run} down`, down, step, abort);
      },
      (thrown: unknown) => this.#settle(call, abort.signal.aborted ? "cancelled" : TautlineError.from(thrown).code),
    );
    this.#open.set(call, { call, cancel: () => abort.abort() });
  }

  /** Reads what comes down, until it ends or the reader has enough. */
  async #read(
    stream: string,
    items: AsyncIterable<StreamItem>,
    { readMs, stopAt }: Extract<Step, { do: "stream" }>,
    abort: AbortController,
  ): Promise<void> {
    const { streams } = this.#world;
    this.#open.set(stream, { call: stream, cancel: () => abort.abort() });
    if (stopAt === 0) await (items as AsyncIterator<StreamItem> & AsyncIterable<StreamItem>).return?.();
    await streams.take(stream, items, { readMs, stopAt });
    this.#open.delete(stream);
  }

  #call(client: number, kind: CallKind, more: { readonly follows?: Following } = {}): string {
    const call = `call ${++this.#calls}`;
    this.#history.add("called", { call, client: this.#names[client] ?? "", kind, ...more });
    return call;
  }

  #settle(call: string, outcome: string, run?: string): void {
    // What closing does to those that have not settled is no settling.
    if (this.#over) return;
    this.#open.delete(call);
    this.#say(() => `${call} settled: ${outcome}`);
    this.#history.add("settled", { call, outcome, ...(run !== undefined && { run }) });
  }

  #cut(connection: MemoryConnection | undefined, arrived: { client?: number; server?: number } = {}): void {
    if (connection === undefined || this.#over) return;
    this.#say(() => `connection ${connection.id} cut`);
    this.#witness.onCut(connection);
    connection.cut(arrived);
  }

  #stall(connection: MemoryConnection | undefined, end: LinkEnd, ms: number): void {
    const release = connection?.end(end).stall();
    if (release === undefined) return;
    this.#stalls.push(release);
    this.#network.clock.setTimeout(release, ms);
  }

  #startServer(): void {
    const { replayBytes, sessionWindowMs, maxParkedSessions, contextMs } = this.#schedule.settings;
    const server = createMemoryServer({
      router,
      network: this.#network,
      url: `ws://memory/${this.#servers.length + 1}`,
      createContext: async ({ info, client: calls }) => {
        await this.#world.sleep(contextMs);
        if (this.#refusals-- > 0) throw new TRPCError({ code: "INTERNAL_SERVER_ERROR" });
        return { client: info.connectionParams?.["client"] ?? "", world: this.#world, calls };
      },
      identify: ({ client }) => client,
      onError: ({ error, path }) => this.#say(() => `server: ${path ?? "connection"}: ${error.code} ${error.message}`),
      onSession: ({ type, identity, reason }) =>
        this.#say(() => `server: session of ${identity} ${type} ${reason?.message ?? ""}`),
      ...(this.#store !== undefined && { idempotency: this.#store }),
      replayBytes,
      sessionWindowMs,
      maxParkedSessions,
      helloTimeoutMs: 2_000,
      heartbeatMs: 5_000,
      deadAfterMs: 2_000,
    });
    this.#servers.push(server);
  }

  #createClient(client: string): RouterClient<SimRouter> {
    return createClient<SimRouter>({
      transformer: rich,
      streams,
      expose: expose(clientApi, {
        answer: async ({ input: { call, waitMs } }) => {
          const run = this.#world.enter(call, client);
          await this.#world.sleep(waitMs);
          this.#world.leave(run, "returned");
          return run;
        },
      }),
      url: () => this.#servers.at(-1)?.url ?? "",
      ...this.#network.clientOptions,
      connectionParams: { client },
      replayBytes: this.#schedule.settings.clientReplayBytes,
      backoff: { baseMs: 50, maxMs: 1_000 },
      connectTimeoutMs: 3_000,
      heartbeatMs: 5_000,
      deadAfterMs: 2_000,
    });
  }

  #drain(drainMs: number): void {
    const old = this.#servers.at(-1);
    if (old === undefined || this.#servers.length > 3) return;
    this.#startServer();
    this.#witness.excuseAll("a server is drained");
    this.#witness.draining = true;
    const closed = old.close({ drainMs }).then(() => {
      this.#witness.excuseAll("a server has been drained");
      this.#witness.draining = false;
    });
    this.#closing.push(closed);
  }

  #kill(): void {
    const old = this.#servers.at(-1);
    if (old === undefined || this.#servers.length > 3) return;
    // Nobody listens there any more.
    this.#network.listen(old.url, () => {})();
    this.#startServer();
    this.#witness.excuseAll("a server was killed");
    for (const connection of this.#network.connections) this.#cut(connection);
  }

  #onTraffic(traffic: Traffic, connection: MemoryConnection): void {
    this.#say(
      () =>
        `${connection.id} ${traffic.from === "client" ? ">" : "<"} ${traffic.step} ${shorten(textOf(traffic.frame))}`,
    );
    const points = this.#witness.onTraffic(traffic, connection);
    if (points.has("hello") && traffic.step === "sent") this.#overtake(connection);
    const index = this.#awaited.findIndex(({ point, step }) => step === traffic.step && points.has(point));
    if (index < 0) return;
    this.#awaited.splice(index, 1);
    // Not in the middle of whoever sends.
    queueMicrotask(() => this.#cut(connection));
  }

  #overtake(connection: MemoryConnection): void {
    const step = this.#overtaken;
    if (step === undefined) return;
    this.#overtaken = undefined;
    this.#stall(connection, "client", step.ms);
    queueMicrotask(() => this.#clients[step.client]?.connection.reconnect());
  }

  #onGone(end: LinkEnd, connection: MemoryConnection): void {
    this.#say(() => `${connection.id} gone at the ${end}`);
    this.#witness.onGone(end, connection);
  }

  async #advance(ms: number): Promise<void> {
    await this.#network.advance(ms);
    for (const { parkedSessions, parkedLength } of this.#servers) {
      const { maxParkedSessions, replayBytes } = this.#schedule.settings;
      this.#measure("kept sessions", parkedSessions, maxParkedSessions);
      // One message may be larger than the limit.
      this.#measure("kept text", parkedLength, parkedSessions * (replayBytes + this.#largest + 1_800));
    }
  }

  #measure(what: string, amount: number, most: number): void {
    if (amount > most) this.#history.add("measured", { what, amount, most });
  }

  /** No more faults: everything settles. */
  async #heal(): Promise<void> {
    this.#say(() => "all heals");
    this.#awaited.length = 0;
    this.#overtaken = undefined;
    for (const release of this.#stalls) release();
    this.#network.reachable = true;
    await this.#until(() => this.#idle === 0);
    this.#measure("left handlers that run for nobody", this.#idle, 0);
    const unwatch = await this.#catchUp();
    this.#world.finish();
    await this.#until(() => this.#open.size === 0);
    await this.#until(() => this.#parked === 0 && this.#authentications === 0);
    this.#measure("left credentials without an answer", this.#authentications, 0);
    this.#measure("left sessions that nobody comes back for", this.#parked, 0);
    await this.#publishToNobody();
    unwatch();
    await this.#checkKept();
  }

  /** Everybody gets the last event of each key, and ends. Keys are followed on, so that what is left at one would go on working. */
  async #catchUp(): Promise<() => void> {
    const { topics } = this.#world;
    if (this.#schedule.settings.topics === undefined) return () => {};
    topics.quiet = true;
    for (const follower of this.#followers) follower.hurry();
    for (const key of topicKeys) topics.publish(key, 0);
    await this.#until(() => [...this.#followers].every((follower) => follower.caughtUp), catchUpMs);
    // Whatever comes twice does so after that.
    await this.#advance(1_000);
    this.#history.add("quiet", {});
    const unwatch = topics.watch();
    for (const follower of this.#followers) follower.unsubscribe();
    return unwatch;
  }

  /** Nobody has a subscription to a topic: events are neither written nor sent. */
  async #publishToNobody(): Promise<void> {
    if (this.#schedule.settings.topics === undefined) return;
    // A server learns late that the other end of a connection is gone; and cancels are on their way.
    await this.#until(() => this.#network.connections.every(({ client, server }) => client.open === server.open));
    await this.#advance(1_000);
    const before = { written: written.events, sent: this.#witness.events };
    for (const key of topicKeys) this.#world.topics.publish(key, 0);
    await this.#advance(1_000);
    this.#measure("idle events written", written.events - before.written, 0);
    this.#measure("idle events sent", this.#witness.events - before.sent, 0);
  }

  /** Heartbeats acknowledge everything; what a session has then it would keep when its connection is gone. */
  async #checkKept(): Promise<void> {
    await this.#advance(12_000);
    this.#measure("idle keys that are followed", this.#world.topics.follows, 0);
    for (const connection of this.#network.connections) connection.cut();
    await this.#network.settled();
    const kept = this.#servers.reduce((sum, server) => sum + server.parkedLength, 0);
    this.#measure("idle text that is kept", kept, 0);
  }

  /** Whether nothing was ever so much that an event had to wait. */
  get #calm(): boolean {
    const { replayBytes, clientReplayBytes, highWaterLength } = this.#schedule.settings;
    return Math.min(replayBytes, clientReplayBytes, highWaterLength) >= 1024 * 1024 && this.#world.topics.calm;
  }

  /** Handlers that run for nobody. */
  get #idle(): number {
    return this.#world.countIdle((call) => this.#open.has(call));
  }

  get #parked(): number {
    return this.#servers.reduce((sum, server) => sum + server.parkedSessions, 0);
  }

  async #until(isSo: () => boolean, mostMs: number = settleMs): Promise<void> {
    for (let passed = 0; passed < mostMs && !isSo(); passed += 500) await this.#advance(500);
  }

  async #close(): Promise<void> {
    this.#over = true;
    this.#witness.onEnd();
    for (const { connection } of this.#clients) connection.close();
    for (const server of this.#servers) this.#closing.push(server.close({ drainMs: 0 }));
    // The longest that a handler that does not heed its signal still takes, and what is still on its way.
    await this.#network.advance(1_100);
    this.#closing.push(this.#world.topics.close());
    const { clock, connections } = this.#network;
    for (let passed = 0; passed < 10_000 && clock.timers > 0; passed += 1_000) await this.#network.advance(1_000);
    this.#world.streams.settleUnread();
    this.#measure("left timers", clock.timers, 0);
    this.#measure("left connections", connections.length, 0);
    this.#measure("left readers of the log", this.#world.waiting, 0);
    for (const server of this.#servers) {
      this.#measure("left connections at a server", server.connections, 0);
      this.#measure("left sessions at a server", server.parkedSessions, 0);
    }
  }

  #say(line: () => string): void {
    this.#trace?.(`${this.#network.clock.now().toString().padStart(6)} ${line()}`);
  }
}

function shorten(frame: string): string {
  const text = frame
    // Epochs are random.
    .replace(/"[\w-]{8}[.](\d+)"/g, '"epoch.$1"')
    .replace(/x{20,}/g, (run) => `x*${run.length}`)
    .replace(/"(token|client)":"[^"]{20,}"/g, '"$1":"…"');
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
