import { initTRPC, lazy } from "@trpc/server";
import { describe, expect, test } from "vitest";
import { CompiledRouter } from "./compiled-router.ts";

const t = initTRPC.create();
const one = t.procedure.query(() => 1);
const two = t.procedure.mutation(() => 2);

test("finds procedures of nested and merged routers at their dotted paths", () => {
  const router = new CompiledRouter(
    t.mergeRouters(t.router({ a: t.router({ b: { one } }) }), t.router({ c: { two }, "d.e": one })),
  );
  expect(router.find("a.b.one")).toMatchObject({ type: "query" });
  expect(router.find("c.two")).toMatchObject({ type: "mutation" });
  expect(router.find("d.e")).toMatchObject({ type: "query" });
});

test("compiles a procedure once", () => {
  const router = new CompiledRouter(t.router({ one }));
  expect(router.find("one")).toBe(router.find("one"));
});

test.each([
  "",
  ".",
  "a",
  "a.",
  "a..b",
  ".a.b",
  "a.b.c",
  "__proto__",
  "constructor",
  "toString",
  "a.constructor",
  "a.__proto__.b",
  "hasOwnProperty",
  "x".repeat(10_000),
])("knows nothing at %s", (path) => {
  expect(new CompiledRouter(t.router({ a: { b: one } })).find(path)).toBeUndefined();
});

describe("a lazy router", () => {
  test("is loaded when it is first used, once for all who ask", async () => {
    let loads = 0;
    const load = async () => {
      loads += 1;
      return t.router({ one });
    };
    const router = new CompiledRouter(t.router({ eager: two, late: lazy(load) }));
    expect(router.find("eager")).toMatchObject({ type: "mutation" });
    expect(loads).toBe(0);
    const [first, second] = await Promise.all([router.find("late.one"), router.find("late.one")]);
    expect(first).toMatchObject({ type: "query" });
    expect(second).toBe(first);
    expect(router.find("late.one")).toBe(first);
    expect(loads).toBe(1);
  });

  test("may hold further lazy routers", async () => {
    const inner = lazy(async () => t.router({ one }));
    const router = new CompiledRouter(t.router({ outer: lazy(async () => t.router({ inner, two })) }));
    expect(await router.find("outer.inner.one")).toMatchObject({ type: "query" });
    expect(router.find("outer.two")).toMatchObject({ type: "mutation" });
  });

  test("is not loaded for a path that only begins with its name's letters", () => {
    const router = new CompiledRouter(t.router({ late: lazy(async () => t.router({ one })) }));
    expect(router.find("lately")).toBeUndefined();
  });

  test("may be loaded by whoever else has the router: another server, or tRPC's own adapter", async () => {
    const shared = t.router({ late: lazy(async () => t.router({ one })) });
    const [router, other] = [new CompiledRouter(shared), new CompiledRouter(shared)];
    expect(await other.find("late.one")).toMatchObject({ type: "query" });
    expect(router.find("late.one")).toMatchObject({ type: "query" });
    expect(router.find("late.one")).toBe(router.find("late.one"));
  });

  test("that lacks the path is asked once", async () => {
    const router = new CompiledRouter(t.router({ late: lazy(async () => t.router({ one })) }));
    expect(await router.find("late.other")).toBeUndefined();
    expect(router.find("late.other")).toBeUndefined();
  });

  test("that cannot be loaded is an error for each call that needs it, and for no other", async () => {
    const failing = lazy(async () => {
      throw new Error("no such file");
    });
    const router = new CompiledRouter(t.router({ one, late: failing as never }));
    await expect(router.find("late.one")).rejects.toThrow("no such file");
    await expect(router.find("late.one")).rejects.toThrow("no such file");
    expect(router.find("one")).toMatchObject({ type: "query" });
  });
});
