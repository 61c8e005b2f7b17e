import { describe, expect, test } from "vitest";
import { Connection } from "./connection.ts";
import { TautlineError } from "./errors.ts";
import { everyMessage } from "./every-message.ts";
import { badMessage, type Message } from "./protocol.ts";

function createConnection(onMessage: (message: Message) => void = () => {}) {
  const calls: unknown[] = [];
  const received: Message[] = [];
  const errors: TautlineError[] = [];
  const drained = Promise.resolve();
  const socket = {
    send: (frame: string) => calls.push(frame),
    close: (code: number, reason: string) => calls.push([code, reason]),
    drained: () => drained,
  };
  const connection: Connection = new Connection(
    socket,
    {
      onMessage: (message) => {
        received.push(message);
        onMessage(message);
      },
      onError: (error) => errors.push(error),
    },
    { table: everyMessage },
  );
  return { connection, calls, received, errors, drained };
}

async function microtasks(): Promise<void> {
  for (let done = 0; done < 30; done++) await Promise.resolve();
}

describe("Connection", () => {
  test("hands over each message of a frame in order, without extensions'", () => {
    const { connection, received } = createConnection();
    connection.receive('[[22,1],[70,"x"],[23,1,"a"]]');
    connection.receive("[[25,1]]");
    expect(received).toEqual([
      [22, 1],
      [23, 1, "a"],
      [25, 1],
    ]);
  });

  test("sends what is sent in one turn as one frame", async () => {
    const { connection, calls } = createConnection();
    connection.send("[25,1]");
    connection.send("[25,2]");
    await microtasks();
    expect(calls).toEqual(["[[25,1],[25,2]]"]);
  });

  test("closes with 4400 on a frame that is no frame, and hands over nothing of it", () => {
    const { connection, calls, received, errors } = createConnection();
    connection.receive("[[25,1],[25,0]]");
    expect(calls).toMatchObject([[4400, expect.any(String)]]);
    expect(errors).toMatchObject([{ code: "BAD_MESSAGE" }]);
    expect([received, connection.open]).toEqual([[], false]);
  });

  test("closes with 4400 when its owner finds a message bad, and hands over nothing after it", () => {
    const { connection, calls, received, errors } = createConnection(() => {
      throw badMessage("not now");
    });
    connection.receive("[[25,1],[25,2]]");
    expect(calls).toEqual([[4400, "not now"]]);
    expect(received).toEqual([[25, 1]]);
    expect(errors).toMatchObject([{ code: "BAD_MESSAGE", message: "not now" }]);
  });

  test("closes with 4501 when its owner fails, and says nothing of why", () => {
    const thrown = new Error("secret");
    const { connection, calls, errors } = createConnection(() => {
      throw thrown;
    });
    connection.receive("[[25,1]]");
    expect(calls).toEqual([[4501, "internal error"]]);
    expect(errors).toMatchObject([{ code: "INTERNAL_SERVER_ERROR", cause: thrown }]);
  });

  test("sends what waits before it closes, and nothing after", async () => {
    const { connection, calls } = createConnection();
    connection.send("[25,1]");
    connection.close(1001, "bye");
    connection.close(1000, "again");
    connection.send("[25,2]");
    await microtasks();
    expect(calls).toEqual(["[[25,1]]", [1001, "bye"]]);
  });

  test("hands over nothing once it is closed, also from the frame that is being read", () => {
    const { connection, received, errors } = createConnection(() => connection.close(1000, ""));
    connection.receive("[[25,1],[25,2]]");
    connection.receive("[[25,3]]");
    connection.receive("nonsense");
    expect(received).toEqual([[25, 1]]);
    expect(errors).toEqual([]);
  });

  test("forgets what waits when the socket is gone, and closes nothing", async () => {
    const { connection, calls } = createConnection();
    connection.send("[25,1]");
    connection.onClosed();
    connection.send("[25,2]");
    connection.close(1000, "");
    connection.fail(new TautlineError({ code: "BAD_MESSAGE" }));
    await microtasks();
    expect([calls, connection.open]).toEqual([[], false]);
  });

  test("cuts a reason to what a close frame holds, which is 123 bytes", () => {
    const { connection, calls } = createConnection();
    connection.fail(badMessage("x".repeat(500)));
    expect(calls).toEqual([[4400, "x".repeat(120)]]);
  });

  test("asks its socket whether it is drained, while there is one", () => {
    const { connection, drained } = createConnection();
    expect(connection.drained()).toBe(drained);
    connection.onClosed();
    expect(connection.drained()).toBeUndefined();
  });
});
