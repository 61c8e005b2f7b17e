import { rich } from "@tautline/core";
import { type CreateContextOptions, type Hub, implement } from "@tautline/server";
import { initTRPC, TRPCError } from "@trpc/server";
import { api, Person } from "../api.ts";
import { Live } from "./live.ts";
import { Messages } from "./messages.ts";
import { Presence } from "./presence.ts";
import { Rooms } from "./rooms.ts";

interface Context {
  readonly person: Person;
  /** Destroys the socket of the connection, without a word. */
  readonly cut: () => void;
}

/** One of several that serve the chat together. */
export interface ChatNode {
  readonly name: string;
  /** Has it die soon, without a word. */
  kill(): void;
}

/** Each connection says who it is. There are no accounts here, so it is believed. */
export function createContext({ req, info }: CreateContextOptions): Context {
  const person = Person.safeParse(info.connectionParams);
  if (!person.success) throw new TRPCError({ code: "UNAUTHORIZED", message: "Say who you are: { id, name }" });
  return { person: person.data, cut: () => req.socket.destroy() };
}

const t = initTRPC.context<Context>().create({ transformer: rich });
const { procedures, router: build } = implement(api, t);
const { chat, demo } = procedures;

/** @param hub what all who serve the chat share. @param node where it is one of several. */
export function createRouter(hub: Hub, node?: ChatNode) {
  const rooms = new Rooms(hub, ["lobby", "harbour", "workshop"]);
  const messages = new Messages(hub);
  const presence = new Presence(hub);
  return build({
    rooms: {
      list: procedures.rooms.list.subscription(({ signal }) => rooms.names.watch(signal)),
      create: procedures.rooms.create.mutation(({ input }) => rooms.create(input.room)),
    },
    chat: {
      send: chat.send.mutation(async ({ input: { room, ...draft }, ctx }) => {
        await rooms.setTyping(room, ctx.person, false);
        return await messages.post(room, { ...draft, from: ctx.person, at: new Date() });
      }),
      messages: chat.messages.subscription(({ input }) => {
        rooms.check(input.room);
        return messages.follow(input.room);
      }),
      typing: chat.typing.subscription(({ input, signal }) => rooms.typing(input.room).watch(signal)),
      setTyping: chat.setTyping.mutation(({ input, ctx }) => rooms.setTyping(input.room, ctx.person, input.typing)),
    },
    presence: {
      online: procedures.presence.online.subscription(({ ctx, signal }) => presence.join(ctx.person, signal)),
    },
    demo: {
      cut: demo.cut.mutation(({ ctx }) => ctx.cut()),
      node: demo.node.subscription(({ signal }) => new Live(node?.name ?? "").watch(signal)),
      kill: demo.kill.mutation(() => {
        if (node === undefined) throw new TRPCError({ code: "FORBIDDEN", message: "There is no other to take over" });
        node.kill();
      }),
    },
  });
}
