import { TRPC_ERROR_CODES_BY_KEY } from "@trpc/server/rpc";
import { expect, test } from "vitest";
import { trpcErrorNumbers } from "./error-numbers.ts";

test("the numbers of tRPC's codes are tRPC's", () => {
  expect(trpcErrorNumbers).toEqual(TRPC_ERROR_CODES_BY_KEY);
});
