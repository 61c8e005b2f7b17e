import type { Closable } from "./broker.ts";
import { listenersOf } from "./listeners.ts";
import type { GroupHost } from "./presence-group.ts";
import type { Renewed } from "./renewals.ts";
import { isThenable, unheard } from "./thenable.ts";

/** A server of this node, as far as a hub controls it. */
export interface ControlledServer {
  readonly connections: number;
  readonly parkedSessions: number;
  /** Ends the sessions of an identity. */
  disconnect(identity: string): void;
}

/** What a server is known to. */
export interface ServerHub {
  attach(server: ControlledServer): void;
  detach(server: ControlledServer): void;
}

/** What all nodes have together. Those of other nodes are as of their last beat. */
export interface HubCounts {
  readonly nodes: number;
  readonly connections: number;
  readonly parkedSessions: number;
}

/** What nodes tell each other. */
type ControlSignal =
  | readonly [kind: "disconnect", node: string, identity: string]
  | readonly [kind: "broadcast", name: string, text: string];

type BroadcastListener = (data: unknown) => unknown;

const channel = "control";
const group = "nodes";

/** From a hub to the servers of all nodes, and between hubs. */
export class HubControl implements Renewed, ServerHub {
  readonly #host: GroupHost;
  readonly #onError: (error: unknown) => void;
  readonly #servers = new Set<ControlledServer>();
  readonly #listeners = new Map<string, Set<BroadcastListener>>();
  #listening: Closable | undefined = undefined;

  /** @param onError hears what listeners throw. */
  constructor(host: GroupHost, onError: (error: unknown) => void) {
    this.#host = host;
    this.#onError = onError;
  }

  attach(server: ControlledServer): void {
    this.#listen();
    this.#servers.add(server);
    this.#host.renewals.add(this);
    this.renew();
  }

  detach(server: ControlledServer): void {
    this.#servers.delete(server);
    if (this.#servers.size > 0) return;
    this.#host.renewals.delete(this);
    // Where it cannot be released it runs out.
    this.#host.broker.release(group, [this.#host.node]).catch(() => {});
    this.#rest();
  }

  renew(): void {
    const { broker, node, renewals } = this.#host;
    const { connections, parkedSessions } = this.#own();
    const text = JSON.stringify([connections, parkedSessions]);
    // The next beat will do it.
    broker.lease(group, new Map([[node, text]]), renewals.leaseMs).catch(() => {});
  }

  disconnect(identity: string): void {
    this.#disconnectHere(identity);
    this.#signal(["disconnect", this.#host.node, identity]);
  }

  async counts(): Promise<HubCounts> {
    const members = new Map(await this.#host.broker.members(group));
    members.delete(this.#host.node);
    let counts = this.#own();
    for (const text of members.values()) counts = add(counts, readCounts(text));
    return counts;
  }

  broadcast(name: string, data: unknown): void {
    this.#signal(["broadcast", name, this.#host.codec.encode(data)]);
  }

  onBroadcast(name: string, listener: BroadcastListener): Closable {
    const listeners = this.#listeners.get(name) ?? new Set();
    // The same function may listen twice.
    const own: BroadcastListener = (data) => listener(data);
    this.#listeners.set(name, listeners.add(own));
    this.#listen();
    return { close: () => this.#closeListener(name, listeners, own) };
  }

  #closeListener(name: string, listeners: Set<BroadcastListener>, listener: BroadcastListener): void {
    if (!listeners.delete(listener)) return;
    if (listeners.size === 0) this.#listeners.delete(name);
    this.#rest();
  }

  #own(): HubCounts {
    let counts: HubCounts = { nodes: this.#servers.size === 0 ? 0 : 1, connections: 0, parkedSessions: 0 };
    for (const { connections, parkedSessions } of this.#servers)
      counts = add(counts, { nodes: 0, connections, parkedSessions });
    return counts;
  }

  #listen(): void {
    this.#listening ??= this.#host.broker.listen(channel, (text) => this.#onSignal(text));
  }

  #rest(): void {
    if (this.#servers.size > 0 || this.#listeners.size > 0) return;
    this.#listening?.close();
    this.#listening = undefined;
  }

  #signal(signal: ControlSignal): void {
    this.#host.broker.signal(channel, JSON.stringify(signal));
  }

  /** From a node of ours, perhaps of another version. */
  #onSignal(text: string): void {
    try {
      const [kind, name, rest] = JSON.parse(text) as ControlSignal;
      if (kind === "broadcast") this.#onBroadcast(name, this.#host.codec.decode(rest));
      else if (kind === "disconnect" && name !== this.#host.node) this.#disconnectHere(rest);
    } catch (error) {
      this.#report(error);
    }
  }

  #onBroadcast(name: string, data: unknown): void {
    for (const listener of listenersOf(this.#listeners.get(name))) {
      try {
        const told: unknown = listener(data);
        if (isThenable(told)) told.then(undefined, (error: unknown) => this.#report(error));
      } catch (error) {
        this.#report(error);
      }
    }
  }

  /** What `onError` throws is left out: there is nobody to tell it to. */
  #report(error: unknown): void {
    try {
      unheard(this.#onError(error));
    } catch {}
  }

  #disconnectHere(identity: string): void {
    for (const server of this.#servers) server.disconnect(identity);
  }
}

function add(a: HubCounts, b: HubCounts): HubCounts {
  return {
    nodes: a.nodes + b.nodes,
    connections: a.connections + b.connections,
    parkedSessions: a.parkedSessions + b.parkedSessions,
  };
}

function readCounts(text: string): HubCounts {
  const [connections, parkedSessions] = JSON.parse(text) as readonly [number, number];
  return { nodes: 1, connections, parkedSessions };
}
