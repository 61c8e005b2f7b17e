import { describe, expect, test } from "vitest";
import { AcceptorSetup } from "../testing/acceptor-setup.ts";

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
