import { contract, query, rich } from "@tautline/core";
import { initTRPC } from "@trpc/server";
import { expect, test } from "vitest";
import { z } from "zod";
import { implement } from "./implement.ts";
import { routerTransformer } from "./router-transformer.ts";

const api = contract({ echo: query({ input: z.object({ note: z.string().optional() }), output: z.string() }) });

test("a contract's router without a transformer reads what a client's rich has marked", () => {
  const t = initTRPC.create();
  const { procedures, router } = implement(api, t);
  const built = router({ echo: procedures.echo.query(({ input }) => input.note ?? "none") });
  const sent = JSON.parse(JSON.stringify(rich.serialize({ note: undefined })));
  expect(routerTransformer(built).input.deserialize(sent)).toStrictEqual({ note: undefined });
});

test("a router of tRPC's own keeps its transformer, or none", () => {
  const plain = initTRPC.create().router({});
  expect(routerTransformer(plain)).toBe(plain._def._config.transformer);
  const withRich = initTRPC.create({ transformer: rich }).router({});
  expect(routerTransformer(withRich).input).toBe(rich);
});
