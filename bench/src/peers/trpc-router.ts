// One router for the peers that serve one. No explicit type: it is inferred, as its users write it.
import { initTRPC } from "@trpc/server";
import { z } from "zod";
import { AddInput, add, type Payload, StreamInput, streamItems } from "../application.ts";

const t = initTRPC.create();

export const router = t.router({
  add: t.procedure.input(AddInput).query(({ input }) => add(input)),
  echo: t.procedure.input(z.custom<Payload>()).mutation(({ input }) => input),
  stream: t.procedure.input(StreamInput).subscription(({ input }) => streamItems(input.count)),
});

export type AppRouter = typeof router;
