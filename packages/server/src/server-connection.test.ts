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
  function holdContext(): { setup: AcceptorSetup; make: (context: Context) => void } {
    let make: (context: Context) => void = () => {};
    const createContext = (): Promise<Context> =>
      new Promise((resolve) => {
        make = resolve;
      });
    return { setup: new AcceptorSetup({ createContext }), make: (context) => make(context) };
  }

  test("are read as far as one frame's worth, whoever it is that sends them, and cancelled or not; the rest when it stands", async () => {
    const { setup, make } = holdContext();
    const client = setup.connect();
    await client.send([0, 1, {}]);
    for (let id = 1; id <= 100; id++) {
      await client.send([11, id, "wait", {}, `${id} ${"x".repeat(200_000)}`]);
      if (id % 2 === 0) await client.send([13, id]);
    }
    expect(client.unread).toBe(150 - 8);
    make({ user: "ada" });
    await settled();
    expect(client.unread).toBe(0);
    expect(setup.started.map((input) => Number.parseInt(input, 10))).toEqual(
      // Those that are read later have begun before their cancel comes.
      Array.from({ length: 100 }, (_, index) => index + 1).filter((id) => id > 5 || id % 2 === 1),
    );
  });

  test("are read no further by a server that does not want them: it closes", async () => {
    const { setup } = holdContext();
    const client = setup.connect();
    await client.send([0, 1, {}]);
    for (let id = 1; id <= 8; id++) await client.send([11, id, "wait", {}, "x".repeat(200_000)]);
    expect(client.unread).toBeGreaterThan(0);
    setup.clock.advance(5000);
    await settled();
    expect(client.closed?.code).toBe(4408);
    await client.close(1000);
    expect([client.unread, setup.started]).toEqual([0, []]);
  });

  test("start in their order, but for those that were cancelled", async () => {
    const { setup, make } = holdContext();
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
