import { contract, subscription } from "@tautline/core";
import type { History } from "@tautline/core/testing";
import { implement, type TopicSubscription } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { z } from "zod";
import { Event, positionOf, type TopicWorld, topicKeys } from "./topic-world.ts";
import { transformer } from "./transformer.ts";

const Following = z.object({
  call: z.string(),
  key: z.enum(topicKeys),
  policy: z.enum(["buffer", "latest", "close"]),
  after: z.string().optional(),
  lastEventId: z.string().optional(),
});
type Following = z.output<typeof Following>;

interface TopicContext {
  readonly client: string;
  readonly world: {
    readonly history: History;
    readonly topics: TopicWorld;
    enter(call: string, client: string, after?: string): string;
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

/** A subscription to a key, which begins here, or a few microtasks later where a schema or a middleware is waited for. */
function follow({ ctx: { client, world }, input }: Resolver): TopicSubscription<Event> {
  const { history, topics } = world;
  const { call, key, policy, lastEventId, after } = input;
  const id = lastEventId ?? after;
  const start = id === undefined ? topics.end : positionOf(id);
  world.leave(world.enter(call, client, `${start}`), "returned");
  if (id === undefined) void watchStart(start);
  else topics.onContinued(start);
  return topics.subscribe(key, policy, after);

  async function watchStart(from: number): Promise<void> {
    for (let left = 50; left > 0; left--) await Promise.resolve();
    for (let position = from + 1; position <= topics.end; position++) history.add("opened", { call, position });
  }
}

const following = t.procedure.input(Following);

/** Subscriptions to topics, in every way in which a server may have them. */
export const topicRouter = t.router({
  plain: following.subscription((options) => follow(options)),
  even: following.subscription((options) => follow(options).filter(({ position }) => position % 2 === 0)),
  mapped: following.subscription((options) => follow(options).map((event) => ({ ...event, mapped: true }))),
  contract: build({
    checked: procedures.checked.subscription((options) => follow(options)),
    marked: procedures.marked.subscription((options) => follow(options)),
    late: procedures.late.subscription((options) => follow(options)),
  }),
});
