/**
 * A node of the cluster, to be killed. Arguments: the URL of the Redis, the path of its log, the lease of its store in ms, and its name.
 * It tells its parent the port at which it listens.
 */
import { TautlineError } from "@tautline/core";
import { redisBroker, redisIdempotencyStore } from "@tautline/redis";
import { createHub, implement, serve } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { api, Event, isShort, shortHistory } from "./api.ts";
import { Log } from "./log.ts";

const [redis = "", path = "", leaseMs, node = ""] = process.argv.slice(2);
process.once("disconnect", () => process.exit());

const log = new Log(path);
const report = (where: string) => (thrown: unknown) =>
  log.write({ type: "reported", where: `${where} of node ${node}`, message: String(thrown) });

/** For a Redis that a busy machine does not let run; it is never away here. */
const patientMs = 60_000;
const broker = redisBroker(redis, { onError: report("broker") });
const hub = createHub({ broker, publishWaitMs: patientMs, onError: report("hub") });
const idempotency = redisIdempotencyStore(redis, {
  leaseMs: Number(leaseMs),
  waitMs: patientMs,
  onError: report("store"),
});
const long = hub.topic("long", Event);
const short = hub.topic("short", Event, { history: { maxEvents: shortHistory } });

const { procedures, router: build } = implement(api, initTRPC.create());
const router = build({
  publish: procedures.publish.mutation(async ({ input: { key, event, idempotent } }) => {
    log.write({ type: "entered", event, node });
    await aWhile();
    log.write({ type: "published", event, key });
    const { id } = await (isShort(key) ? short : long).publish(key, { event }, idempotent ? { dedupeId: event } : {});
    await aWhile();
    log.write({ type: "left", event, id, node });
    return id;
  }),
  follow: procedures.follow.subscription(({ input: { keys } }) =>
    (keys.some(isShort) ? short : long).subscribe(keys).map(({ event }, { key }) => ({ event, key })),
  ),
});

const server = await serve({
  router,
  hub,
  host: "127.0.0.1",
  idempotency,
  // What is unknown its caller is told, and writes down.
  onError: ({ error }) => TautlineError.from(error.cause).code !== "OUTCOME_UNKNOWN" && report("server")(error),
});
process.send?.(server.port);

/** So that handlers are killed at any point of what they do. */
function aWhile(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * 30));
}
