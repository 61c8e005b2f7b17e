import { rich } from "@tautline/core";
import { type CreateContextOptions, createHub, implement } from "@tautline/server";
import { initTRPC, TRPCError } from "@trpc/server";
import { api, Person } from "../api.ts";
import { Messages } from "./messages.ts";
import { Presence } from "./presence.ts";
import { Rooms } from "./rooms.ts";

interface Context {
  readonly person: Person;
  /** Destroys the socket of the connection, without a word. */
  readonly cut: () => void;
}

/** Each connection says who it is. There are no accounts here, so it is believed. */
export function createContext({ req, info }: CreateContextOptions): Context {
  const person = Person.safeParse(info.connectionParams);
  if (!person.success) throw new TRPCError({ code: "UNAUTHORIZED", message: "Say who you are: { id, name }" });
  return { person: person.data, cut: () => req.socket.destroy() };
}

const rooms = new Rooms(["lobby", "harbour", "workshop"]);
const messages = new Messages(createHub());
const presence = new Presence();

const t = initTRPC.context<Context>().create({ transformer: rich });
const { procedures, router: build } = implement(api, t);
const { chat } = procedures;

export const router = build({
  rooms: {
    list: procedures.rooms.list.subscription(({ signal }) => rooms.names.watch(signal)),
    create: procedures.rooms.create.mutation(({ input }) => rooms.create(input.room)),
  },
  chat: {
    send: chat.send.mutation(({ input: { room, ...draft }, ctx }) => {
      rooms.get(room).typing.stop(ctx.person.id);
      return messages.post(room, { ...draft, from: ctx.person, at: new Date() });
    }),
    messages: chat.messages.subscription(({ input }) => {
      rooms.get(input.room);
      return messages.follow(input.room);
    }),
    typing: chat.typing.subscription(({ input, signal }) => rooms.get(input.room).typing.people.watch(signal)),
    setTyping: chat.setTyping.mutation(({ input, ctx }) => {
      const { typing } = rooms.get(input.room);
      if (input.typing) typing.start(ctx.person);
      else typing.stop(ctx.person.id);
    }),
  },
  presence: {
    online: procedures.presence.online.subscription(({ ctx, signal }) => presence.join(ctx.person, signal)),
  },
  demo: {
    cut: procedures.demo.cut.mutation(({ ctx }) => ctx.cut()),
  },
});
