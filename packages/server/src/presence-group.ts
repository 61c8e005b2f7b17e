import type { Broker, Closable } from "./broker.ts";
import type { EventCodec } from "./event-codec.ts";
import type { Renewals, Renewed } from "./renewals.ts";

/** What the groups of a hub share. */
export interface GroupHost {
  readonly broker: Broker;
  readonly codec: EventCodec;
  readonly renewals: Renewals;
  /** Names this node. */
  readonly node: string;
}

/** A member as it was last heard of; the same object until something else is heard. */
export interface SeenMember {
  readonly text: string;
  readonly data: unknown;
}

/** Who wants to know. */
export interface GroupWatcher {
  onMembers(): void;
  /** There will be no word of anybody any more. */
  onFailed(error: unknown): void;
}

interface LocalMember {
  text: string;
  times: number;
}

/**
 * Who is there, on all nodes: each node leases its own members from the broker, and reads those of all where somebody watches, after a
 * signal and with every beat.
 */
export class PresenceGroup implements Renewed {
  readonly #host: GroupHost;
  readonly #name: string;
  readonly #onUnused: () => void;
  readonly #local = new Map<string, LocalMember>();
  readonly #watchers = new Set<GroupWatcher>();
  #members: ReadonlyMap<string, SeenMember> | undefined = undefined;
  #listening: Closable | undefined = undefined;
  #reading = false;
  /** Whether something was heard while it was reading. */
  #stale = false;

  /** @param onUnused nobody is in it from here, or watches. */
  constructor(host: GroupHost, name: string, onUnused: () => void) {
    this.#host = host;
    this.#name = name;
    this.#onUnused = onUnused;
  }

  /** By id, as last heard; undefined where nothing was heard yet. */
  get members(): ReadonlyMap<string, SeenMember> | undefined {
    return this.#members;
  }

  /** Somebody is here; as often as it joins it has to leave. */
  join(id: string, text: string): void {
    const local = this.#local.get(id) ?? { text: "", times: 0 };
    local.times++;
    this.#local.set(id, local);
    this.#host.renewals.add(this);
    if (local.text !== text) {
      local.text = text;
      this.#tell(this.#lease(new Map([[this.#nameOf(id), text]])));
    }
  }

  leave(id: string): void {
    const local = this.#local.get(id);
    if (local === undefined || --local.times > 0) return;
    this.#local.delete(id);
    this.#tell(this.#host.broker.release(this.#name, [this.#nameOf(id)]));
    this.rest();
  }

  watch(watcher: GroupWatcher): void {
    this.#watchers.add(watcher);
    this.#host.renewals.add(this);
    let looked = false;
    const look = (): void => {
      looked = true;
      this.#look();
    };
    // Whoever came after the first look, and before signals come, is seen by another.
    this.#listening ??= this.#host.broker.listen(this.#name, look, look);
    if (this.#members === undefined && !looked) this.#look();
  }

  unwatch(watcher: GroupWatcher): void {
    this.#watchers.delete(watcher);
    if (this.#watchers.size > 0) return;
    this.#listening?.close();
    this.#listening = undefined;
    this.#members = undefined;
    this.rest();
  }

  fail(error: unknown): void {
    for (const watcher of this.#watchers) watcher.onFailed(error);
  }

  renew(): void {
    const members = [...this.#local].map(([id, { text }]) => [this.#nameOf(id), text] as const);
    // The next beat will do it.
    if (members.length > 0) this.#lease(new Map(members)).catch(() => {});
    if (this.#watchers.size > 0) this.#look();
  }

  /** Where nobody is in it from here, and nobody watches, it is forgotten. */
  rest(): void {
    if (this.#local.size > 0 || this.#watchers.size > 0) return;
    this.#host.renewals.delete(this);
    this.#onUnused();
  }

  /** Reads who is there. @throws TautlineError `SERVICE_UNAVAILABLE` where the broker is away. */
  async read(): Promise<ReadonlyMap<string, SeenMember>> {
    const seen = new Map<string, SeenMember>();
    const names = new Map<string, string>();
    for (const [name, text] of await this.#host.broker.members(this.#name)) {
      const id = name.slice(name.indexOf("/") + 1);
      // Of one who is there by several nodes, what one of them says: always the same, in whichever order the broker has them.
      if ((names.get(id) ?? "") > name) continue;
      names.set(id, name);
      const known = this.#members?.get(id);
      seen.set(id, known?.text === text ? known : { text, data: this.#host.codec.decode(text) });
    }
    return seen;
  }

  /** One look at a time: what is heard during one is seen by the next. */
  #look(): void {
    this.#stale = true;
    if (this.#reading) return;
    this.#reading = true;
    void this.#lookAgain();
  }

  async #lookAgain(): Promise<void> {
    while (this.#stale && this.#watchers.size > 0) {
      this.#stale = false;
      try {
        const members = await this.read();
        if (this.#watchers.size > 0) this.#members = members;
        for (const watcher of this.#watchers) watcher.onMembers();
      } catch {
        // With the next beat it looks again.
      }
    }
    this.#reading = false;
  }

  #lease(members: ReadonlyMap<string, string>): Promise<void> {
    return this.#host.broker.lease(this.#name, members, this.#host.renewals.leaseMs);
  }

  /** Others look when it is done. Where it is not, they see it with a beat: by the next lease, or when this one has run out. */
  #tell(done: Promise<void>): void {
    done.then(() => this.#host.broker.signal(this.#name, "")).catch(() => {});
  }

  /** One member may be there by several nodes. */
  #nameOf(id: string): string {
    return `${this.#host.node}/${id}`;
  }
}
