import { contract, mutation, query, subscription } from "@tautline/core";
import { z } from "zod";

export const Message = z.object({ room: z.string(), from: z.string(), text: z.string().max(2000), at: z.date() });
export type Message = z.infer<typeof Message>;

export const api = contract({
  chat: {
    history: query({ input: z.object({ room: z.string() }), output: z.array(Message) }),
    send: mutation({ input: Message.pick({ room: true, text: true }), output: Message }),
    messages: subscription({ input: z.object({ room: z.string() }), output: Message }),
  },
});
