import { createHub } from "@tautline/server";
import { expect, it } from "vitest";
import type { Said } from "../api.ts";
import { limits } from "../limits.ts";
import { Messages } from "./messages.ts";

const ada = { id: "1", name: "Ada" };

function post(messages: Messages, text: string, from = ada): ReturnType<Messages["post"]> {
  return messages.post("lobby", { from, text, draft: text, at: new Date(0) });
}

/** The texts of the next item, and whether they are all that is kept. */
async function take(items: AsyncIterator<readonly [string, Said, symbol], void>) {
  const { value } = await items.next();
  const { all, messages } = value?.[1] ?? { all: false, messages: [] };
  return { all, texts: messages.map(({ text }) => text) };
}

it("gives a follower all that is kept, and then each message once", async () => {
  const messages = new Messages(createHub());
  await post(messages, "one");
  const follower = messages.follow("lobby")[Symbol.asyncIterator]();
  await post(messages, "two");
  expect(await take(follower)).toEqual({ all: true, texts: ["one"] });
  expect(await take(follower)).toEqual({ all: false, texts: ["two"] });
  await messages.post("harbour", { from: ada, text: "elsewhere", draft: "a", at: new Date(0) });
  await post(messages, "three");
  expect(await take(follower)).toEqual({ all: false, texts: ["three"] });
  await follower.return?.();
});

it("posts a draft once, however often it is sent, and another's of the same name too", async () => {
  const messages = new Messages(createHub());
  const posted = await post(messages, "one");
  expect(await post(messages, "one")).toEqual(posted);
  await post(messages, "one", { id: "2", name: "Grace" });
  const follower = messages.follow("lobby")[Symbol.asyncIterator]();
  expect(await take(follower)).toEqual({ all: true, texts: ["one", "one"] });
  await follower.return?.();
});

it("keeps the newest messages of a room", async () => {
  const messages = new Messages(createHub());
  for (let count = 0; count <= limits.history; count++) await post(messages, `${count}`);
  const follower = messages.follow("lobby")[Symbol.asyncIterator]();
  const { texts } = await take(follower);
  expect([texts.length, texts[0]]).toEqual([limits.history, "1"]);
  await follower.return?.();
});
