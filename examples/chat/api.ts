import { contract, mutation, subscription } from "@tautline/core";
import { z } from "zod";
import { limits } from "./limits.ts";

/** Somebody in the chat. The id stays the same when a browser comes back; the name is what others see. */
export const Person = z.object({
  id: z.string().min(1).max(limits.idLength),
  name: z.string().trim().min(1).max(limits.nameLength),
});
export type Person = z.infer<typeof Person>;

export const RoomName = z
  .string()
  .max(limits.roomNameLength)
  .regex(/^[\p{Ll}\p{Lo}\p{N}]+(-[\p{Ll}\p{Lo}\p{N}]+)*$/u, "Small letters, digits and single hyphens");

const InRoom = z.object({ room: RoomName });

export const Message = z.object({
  id: z.string(),
  from: Person,
  text: z.string().trim().min(1).max(limits.messageLength),
  at: z.date(),
  /** Chosen by the sender, so that its page knows this message from the one it shows as on its way. */
  draft: z.string().min(1).max(limits.idLength),
});
export type Message = z.infer<typeof Message>;

/** What is said in a room: all of it that is kept, or what has just been posted. */
const Said = z.object({ all: z.boolean(), messages: z.array(Message) });
export type Said = z.infer<typeof Said>;

/** Who is connected. `connections` counts tabs; somebody with two tabs is named once. */
export const Online = z.object({ connections: z.number().int(), people: z.array(Person) });
export type Online = z.infer<typeof Online>;

export const api = contract({
  rooms: {
    list: subscription({ output: z.array(RoomName) }),
    create: mutation({ input: InRoom }),
  },
  chat: {
    send: mutation({
      input: Message.pick({ text: true, draft: true }).extend(InRoom.shape),
      output: Message,
      // A draft is posted once, so it may be sent again where a server was lost with its answer.
      idempotent: true,
    }),
    /** All that is kept, then what is posted. */
    messages: subscription({ input: InRoom, output: Said }),
    typing: subscription({ input: InRoom, output: z.array(Person) }),
    /** Said twice it is as said once: when a connection or a node is lost meanwhile, it is said again. */
    setTyping: mutation({ input: InRoom.extend({ typing: z.boolean() }), idempotent: true }),
  },
  presence: {
    online: subscription({ output: Online }),
  },
  demo: {
    /** Destroys the socket that the call came over. */
    cut: mutation({}),
    /** The node that serves the page, where there are several; else "". */
    node: subscription({ output: z.string() }),
    /** Kills it. */
    kill: mutation({}),
  },
});
