import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { AcceptorSetup, type Context } from "../testing/acceptor-setup.ts";
import { settled } from "../testing/memory-client.ts";

describe("hello", () => {
  test("is answered by welcome first, however many calls came with it", async () => {
    const setup = new AcceptorSetup();
    const client = setup.connect();
    const calls = Array.from({ length: 100 }, (_, index) => [10, index + 1, "who", {}]);
    await client.send([0, 1, {}], ...calls);
    // A burst leaves at the end of its turn.
    setup.clock.advance(0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(client.messages[0]?.[0]).toBe(1);
    expect(client.of(20)).toHaveLength(100);
  });

  test("comes once", async () => {
    const setup = new AcceptorSetup();
    const client = await setup.open();
    await client.send([0, 1, {}]);
    expect(client.closed?.code).toBe(4400);
    const twice = setup.connect();
    await twice.send([0, 1, {}], [0, 1, {}]);
    expect([twice.closed?.code, twice.of(1)]).toEqual([4400, []]);
  });

  test.each([
    ["a call", [10, 1, "who", {}]],
    ["a ping", [3, 0]],
    ["an ack", [5, 0]],
    ["new credentials", [7, {}]],
    ["a welcome", [1, {}]],
    ["a goaway", [6, 0]],
  ])("comes first: %s before it closes with 4400", async (_name, message) => {
    const setup = new AcceptorSetup();
    const client = setup.connect();
    await client.send(message);
    expect(client.closed?.code).toBe(4400);
  });

  test.each([
    ["a welcome", [1, {}]],
    ["a refusal", [2, {}]],
    ["a goaway", [6, 0]],
    ["an answer to credentials", [8]],
  ])("may not be followed by what only servers say: %s closes with 4400", async (_name, message) => {
    const setup = new AcceptorSetup();
    const client = await setup.open();
    await client.send(message);
    expect(client.closed?.code).toBe(4400);
  });
});

describe("calls that wait for their context", () => {
  test("are let go when they are cancelled: the limits on calls hold what waits", async () => {
    setFlagsFromString("--expose-gc");
    const collectGarbage = runInNewContext("gc") as () => void;
    const bytes = (): number => {
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const setup = new AcceptorSetup({ maxCalls: 1, createContext: (): Promise<Context> => new Promise(() => {}) });
    const client = setup.connect();
    await client.send([0, 1, {}]);
    const before = bytes();
    for (let id = 1; id <= 100; id++) {
      await client.send([11, id, "wait", {}, "x".repeat(200_000)]);
      await client.send([13, id]);
    }
    // The link in memory keeps the 20 MB that were sent; all inputs would be as much again.
    expect(bytes() - before).toBeLessThan(25_000_000);
    expect(client.closed).toBeUndefined();
  });

  test("start in their order, but for those that were cancelled", async () => {
    let make: (context: Context) => void = () => {};
    const setup = new AcceptorSetup({
      createContext: () =>
        new Promise((resolve) => {
          make = resolve;
        }),
    });
    const client = setup.connect();
    await client.send([0, 1, {}], ...["a", "b", "c"].map((name, index) => [11, index + 1, "wait", {}, name]), [13, 2]);
    make({ user: "ada" });
    await settled();
    expect(setup.started).toEqual(["a", "c"]);
  });
});

describe("acknowledgements of a client", () => {
  test.each([
    ["in the future", [5, 3]],
    ["backward", [5, 1]],
    ["in the future, in a ping", [3, 3]],
    ["in the future, in a pong", [4, 3]],
  ])("that cannot be close with 4400 and end the session: %s", async (_name, message) => {
    const setup = new AcceptorSetup();
    const client = await setup.open();
    await client.send([10, 1, "who", {}], [10, 2, "who", {}]);
    await client.send([5, 2]);
    await client.send(message);
    expect(client.closed?.code).toBe(4400);
    expect(setup.types).toEqual(["opened", "lost"]);
  });

  test.each([-1, 1.5, "1", null, 2 ** 53])("that are no counts close with 4400: %s", async (count) => {
    const setup = new AcceptorSetup();
    const client = await setup.open();
    await client.send([5, count]);
    expect(client.closed?.code).toBe(4400);
  });
});
