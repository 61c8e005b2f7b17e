import { describe, expect, it } from "vitest";
import { RoomLog } from "./room-log.ts";

const ada = { id: "1", name: "Ada" };

function post(log: RoomLog, ...texts: string[]): void {
  for (const text of texts) log.post({ from: ada, text, draft: text });
}

/** The texts of the next `count` messages. */
async function take(follower: ReturnType<RoomLog["follow"]>, count: number): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count) {
    const { value } = await follower.next();
    if (!value) break;
    texts.push(value[1].text);
  }
  return texts;
}

describe("a room's log", () => {
  it("keeps its newest messages and forgets the oldest", () => {
    const log = new RoomLog(2);
    post(log, "one", "two", "three");
    expect(log.messages.map(({ text }) => text)).toEqual(["two", "three"]);
  });

  it("posts a draft once, however often it is sent, and another's of the same name too", () => {
    const log = new RoomLog();
    const draft = { from: ada, text: "one", draft: "a" };
    const posted = log.post(draft);
    expect(log.post(draft)).toBe(posted);
    log.post({ ...draft, from: { id: "2", name: "Grace" } });
    expect(log.messages.map(({ from }) => from.name)).toEqual(["Ada", "Grace"]);
  });

  it("gives a follower what is posted after it began", async () => {
    const log = new RoomLog();
    post(log, "before");
    const follower = log.follow();
    const next = take(follower, 2);
    post(log, "one", "two");
    expect(await next).toEqual(["one", "two"]);
  });

  it("begins to follow when it is asked to, not when the first message is read", async () => {
    const log = new RoomLog();
    const follower = log.follow();
    post(log, "one");
    expect(await take(follower, 1)).toEqual(["one"]);
  });

  it("continues after an id with neither a loss nor a double, wherever it was interrupted", async () => {
    const texts = ["one", "two", "three", "four"];
    for (let cut = 0; cut <= texts.length; cut++) {
      const log = new RoomLog();
      const { lastEventId } = log;
      post(log, ...texts.slice(0, 2));
      const first = log.follow(lastEventId);
      const posted = Promise.resolve().then(() => post(log, ...texts.slice(2)));
      let seen = lastEventId;
      const got: string[] = [];
      while (got.length < cut) {
        const { value } = await first.next();
        if (!value) break;
        seen = value[0];
        got.push(value[1].text);
      }
      await posted;
      got.push(...(await take(log.follow(seen), texts.length - cut)));
      expect(got).toEqual(texts);
    }
  });

  it("skips what has left the log while a slow follower was elsewhere", async () => {
    const log = new RoomLog(2);
    const follower = log.follow();
    post(log, "one", "two", "three");
    expect(await take(follower, 2)).toEqual(["two", "three"]);
  });

  it.each([
    ["another log's", new RoomLog().lastEventId],
    ["no log's", "nonsense"],
    ["one from the future", undefined],
  ])("takes an id that is %s for nothing seen", async (_, id) => {
    const log = new RoomLog();
    post(log, "one");
    expect(await take(log.follow(id ?? log.lastEventId.replace("1", "7")), 1)).toEqual(["one"]);
  });

  it("ends a follower that waits, and one that reads, when its signal is aborted", async () => {
    const log = new RoomLog();
    const waiting = new AbortController();
    const waiter = log.follow(null, waiting.signal).next();
    waiting.abort();
    expect(await waiter).toEqual({ done: true, value: undefined });

    post(log, "one", "two");
    const reading = new AbortController();
    const reader = log.follow("", reading.signal);
    await reader.next();
    reading.abort();
    expect(await reader.next()).toEqual({ done: true, value: undefined });
  });
});
