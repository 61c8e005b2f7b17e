/**
 * Logs share so many shards. All keys of a shard have one hash tag, so that a Cluster keeps them on one server and a script may touch
 * them together; what a shard knows is known for each of its logs, also for those of which there is nothing.
 */
const shards = 1_024;

/** What one key of a topic is called in Redis. */
export interface LogNames {
  /** A hash: what holds for every log of the shard. */
  readonly shard: string;
  /** A hash: how far the log goes. */
  readonly log: string;
  /** A stream: the events that are kept. */
  readonly events: string;
  /** The channel that carries the events. */
  readonly channel: string;
}

/** @param db channels are not a database's own; with its number in their names they are. */
export function logNames(prefix: string, db: number, topic: string, key: string): LogNames {
  const name = `${topic.length}:${topic}${key}`;
  const tag = `${prefix}:{${shardOf(name)}}`;
  return { shard: tag, log: `${tag}:log:${name}`, events: `${tag}:events:${name}`, channel: `${prefix}:${db}:${name}` };
}

/** A string: where the event is that was published with an id. A key may be spelt like anything, so it begins like no log. */
export function idName({ shard, log }: LogNames, id: string): string {
  return `${shard}:id:${log.length}:${log}:${id}`;
}

export function signalChannel(prefix: string, db: number, channel: string): string {
  return `${prefix}:${db}:signal:${channel}`;
}

/** A sorted set of when the members' time is over, and a hash of their texts. */
export function groupNames(prefix: string, group: string): readonly [until: string, texts: string] {
  // A tag ends at the first brace, and must not be empty: what comes before the group's name sees to both.
  const tag = `${prefix}:{group:${group}}`;
  return [`${tag}:until`, `${tag}:texts`];
}

/** FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), of UTF-16 units. */
function shardOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index++) hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  return (hash >>> 0) % shards;
}
