import { createClient, type RouterClient, streams } from "@tautline/client";
import { expose } from "@tautline/client/expose";
import { rich, TautlineError } from "@tautline/core";
import type { CallKind, Following } from "@tautline/core/testing";
import { clientApi, type Item, type SimRouter } from "./application.ts";
import type { Fleet } from "./fleet.ts";
import { everyOf, Follower } from "./follower.ts";
import type { Scene } from "./scene.ts";
import type { Step } from "./schedule.ts";
import type { StreamItem } from "./stream-world.ts";

/** What clients call, of which each call goes into the history. */
export class Callers {
  readonly clients: readonly RouterClient<SimRouter>[];
  /** Subscriptions to topics. */
  readonly followers: Set<Follower> = new Set();
  readonly #scene: Scene;
  readonly #fleet: Fleet;
  /** What cancels those that are open. */
  readonly #open = new Map<string, () => void>();
  #calls = 0;
  /** Credentials on their way. */
  #authentications = 0;

  constructor(scene: Scene, fleet: Fleet) {
    this.#scene = scene;
    this.#fleet = fleet;
    this.clients = scene.names.map((name) => this.#createClient(name));
  }

  /** How many calls were made, and how many of them are open. */
  get calls(): number {
    return this.#calls;
  }

  get open(): number {
    return this.#open.size;
  }

  get authentications(): number {
    return this.#authentications;
  }

  isOpen(call: string): boolean {
    return this.#open.has(call);
  }

  /** Cancels the n-th that is open. */
  cancel(nth: number): void {
    [...this.#open.values()][nth]?.();
  }

  reconnect(client: number): void {
    this.clients[client]?.connection.reconnect();
  }

  authenticate(nth: number): void {
    const client = this.#scene.names[nth] ?? "";
    // It fails where there is no connection, or none any more.
    this.#authentications++;
    const settled = (): void => void this.#authentications--;
    this.clients[nth]?.connection.authenticate({ client }).then(settled, settled);
  }

  request({ client, kind, waitMs, heeds, fails, timeoutMs }: Extract<Step, { do: "call" }>): void {
    const remembered = kind === "mutation" && this.#scene.settings.store?.losable === false;
    const call = this.#call(client, remembered ? "remembered" : kind);
    const abort = new AbortController();
    const api = this.clients[client];
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
    this.#open.set(call, () => abort.abort());
  }

  subscribe({ client, path, count, everyMs, padding, publishes, key }: Extract<Step, { do: "subscribe" }>): void {
    const call = this.#call(client, path === "untracked" ? "untracked" : "tracked");
    const api = this.clients[client];
    if (api === undefined) return;
    // A planted bug may bring what is no item of this subscription's.
    const onItem = (item: Partial<Item> | undefined): void => {
      if (this.#scene.over) return;
      const { call: of = "nobody", run = "no run", position = 0, padding: { length } = "" } = item ?? {};
      if (of !== call) this.#scene.history.add("received", { call: `${call} for ${of}`, run, position });
      this.#scene.world.receive(call, run, position, length);
    };
    const callbacks = {
      onError: (error: TautlineError) => this.#settle(call, error.code),
      onComplete: () => this.#settle(call, "ok"),
      onGap: () => this.#scene.history.add("gap", { call }),
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
    this.#open.set(call, cancel);
  }

  follow(step: Extract<Step, { do: "follow" }>): void {
    const { client, path, keys, policy, snapshot, back } = step;
    const api = this.clients[client];
    if (api === undefined) return;
    const after = keys.length > 1 ? undefined : this.#scene.world.topics.idBefore(back);
    const prompt = path !== "late" && after === undefined && keys.length === 1 && snapshot === "none";
    const snapshots = snapshot === "none" ? snapshot : after === undefined ? "first" : "after a gap";
    const follows = { keys, every: everyOf(path), policy, prompt, snapshot: snapshots } as const;
    const call = this.#call(client, "topic", { follows });
    const follower: Follower = new Follower(this.#scene.world, api, call, { ...step, after }, (outcome) => {
      this.followers.delete(follower);
      this.#settle(call, outcome);
    });
    this.followers.add(follower);
    this.#open.set(call, () => follower.unsubscribe());
  }

  stream(step: Extract<Step, { do: "stream" }>): void {
    const { client, path, readMs, stopAt, everyMs } = step;
    const call = this.#call(client, path === "upload" ? "mutation" : "query");
    const abort = new AbortController();
    const api = this.clients[client];
    const name = this.#scene.names[client] ?? "";
    if (api === undefined) return;
    const { streams } = this.#scene.world;
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
    this.#open.set(call, () => abort.abort());
  }

  /** Reads what comes down, until it ends or the reader has enough. */
  async #read(
    stream: string,
    items: AsyncIterable<StreamItem>,
    { readMs, stopAt }: Extract<Step, { do: "stream" }>,
    abort: AbortController,
  ): Promise<void> {
    const { streams } = this.#scene.world;
    this.#open.set(stream, () => abort.abort());
    if (stopAt === 0) await (items as AsyncIterator<StreamItem> & AsyncIterable<StreamItem>).return?.();
    await streams.take(stream, items, { readMs, stopAt });
    this.#open.delete(stream);
  }

  #call(client: number, kind: CallKind, more: { readonly follows?: Following } = {}): string {
    const call = `call ${++this.#calls}`;
    this.#scene.history.add("called", { call, client: this.#scene.names[client] ?? "", kind, ...more });
    return call;
  }

  #settle(call: string, outcome: string, run?: string): void {
    // What closing does to those that have not settled is no settling.
    if (this.#scene.over) return;
    this.#open.delete(call);
    this.#scene.say(() => `${call} settled: ${outcome}`);
    this.#scene.history.add("settled", { call, outcome, ...(run !== undefined && { run }) });
  }

  #createClient(client: string): RouterClient<SimRouter> {
    return createClient<SimRouter>({
      transformer: rich,
      streams,
      expose: expose(clientApi, {
        answer: async ({ input: { call, waitMs } }) => {
          const run = this.#scene.world.enter(call, client);
          await this.#scene.world.sleep(waitMs);
          this.#scene.world.leave(run, "returned");
          return run;
        },
      }),
      url: () => this.#fleet.url,
      ...this.#scene.network.clientOptions,
      connectionParams: { client },
      replayBytes: this.#scene.settings.clientReplayBytes,
      backoff: { baseMs: 50, maxMs: 1_000 },
      connectTimeoutMs: 3_000,
      heartbeatMs: 5_000,
      deadAfterMs: 2_000,
    });
  }
}
