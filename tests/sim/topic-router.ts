import { contract, subscription } from "@tautline/core";
import type { History } from "@tautline/core/testing";
import { implement, type TopicSubscription } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { z } from "zod";
import { Event, type Snapshot, type TopicWorld, topicKeys } from "./topic-world.ts";
import { transformer } from "./transformer.ts";

const Following = z.object({
  call: z.string(),
  keys: z.array(z.enum(topicKeys)),
  policy: z.enum(["buffer", "latest", "close"]),
  snapshot: z.enum(["none", "now", "late"]),
  after: z.string().optional(),
  lastEventId: z.string().optional(),
});
type Following = z.output<typeof Following>;

interface TopicContext {
  readonly client: string;
  /** Where its server is. */
  readonly node: number;
  readonly world: {
    readonly history: History;
    readonly topics: TopicWorld;
    enter(call: string, client: string, places?: readonly number[]): string;
    leave(run: string, how: "returned"): void;
  };
}

const t = initTRPC.context<TopicContext>().create({ transformer });

const api = contract({
  checked: subscription({ input: Following, output: Event }),
  marked: subscription({ input: Following, output: Event, tracked: true }),
  late: subscription({ input: Following, output: Event.refine(async () => true) }),
});
const { procedures, router: build } = implement(api, t);

interface Resolver {
  readonly ctx: TopicContext;
  readonly input: Following;
}

/** Notes where a subscription begins: here, or a few microtasks later where a schema or a middleware is waited for. */
function enter({ ctx: { client, world }, input }: Resolver): void {
  const { history, topics } = world;
  const { call, keys, lastEventId, after } = input;
  const id = lastEventId ?? after;
  const start = topics.end;
  const places = id === undefined ? keys.map(() => start) : topics.places.of(id);
  world.leave(world.enter(call, client, places), "returned");
  if (id === undefined) void watchStart();
  else topics.onContinued(Math.min(...places));

  async function watchStart(): Promise<void> {
    for (let left = 50; left > 0; left--) await Promise.resolve();
    for (const position of topics.after(start)) history.add("opened", { call, position });
  }
}

function follow(options: Resolver): TopicSubscription<Event> {
  enter(options);
  return options.ctx.world.topics.subscribe(options.input, options.ctx.node);
}

function followWithSnapshot(options: Resolver): TopicSubscription<Event, Snapshot> {
  enter(options);
  const { input, ctx } = options;
  return ctx.world.topics.subscribeWithSnapshot(input, input.snapshot, ctx.node);
}

const following = t.procedure.input(Following);

/** Subscriptions to topics, in every way in which a server may have them. */
export const topicRouter = t.router({
  plain: following.subscription((options) => follow(options)),
  even: following.subscription((options) => follow(options).filter(({ position }) => position % 2 === 0)),
  mapped: following.subscription((options) => follow(options).map((event) => ({ ...event, mapped: true }))),
  state: following.subscription((options) => followWithSnapshot(options)),
  contract: build({
    checked: procedures.checked.subscription((options) => follow(options)),
    marked: procedures.marked.subscription((options) => follow(options)),
    late: procedures.late.subscription((options) => follow(options)),
  }),
});
