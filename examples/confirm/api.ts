import { contract, mutation, query } from "@tautline/core";
import { z } from "zod";

export const api = contract({ clear: mutation({ output: z.object({ deleted: z.number() }) }) });

/** What a client answers. */
export const clientApi = contract({
  confirm: query({ input: z.object({ question: z.string() }), output: z.boolean() }),
});
