// The router of the peers that carry bytes, with the transformer by which each does.
import { initTRPC, type TRPCDataTransformer } from "@trpc/server";
import { z } from "zod";
import { AddInput, add, type Payload, StreamInput, streamItems } from "../application.ts";

export function createBytesRouter(transformer: TRPCDataTransformer) {
  const t = initTRPC.create({ transformer });
  return t.router({
    add: t.procedure.input(AddInput).query(({ input }) => add(input)),
    echo: t.procedure.input(z.custom<Payload>()).mutation(({ input }) => input),
    echoBytes: t.procedure.input(z.instanceof(Uint8Array)).mutation(({ input }) => input),
    stream: t.procedure.input(StreamInput).subscription(({ input }) => streamItems(input.count)),
  });
}

export type BytesRouter = ReturnType<typeof createBytesRouter>;
