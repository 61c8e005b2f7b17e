import { createHub } from "@tautline/server";
import { expect, it } from "vitest";
import type { Online } from "../api.ts";
import { Presence } from "./presence.ts";

const ada = { id: "1", name: "Ada" };
const grace = { id: "2", name: "Grace" };

/** Reads on until so many are connected. */
async function seen(online: AsyncIterator<Online, void>, connections: number): Promise<readonly string[]> {
  for (;;) {
    const { value } = await online.next();
    if (value?.connections === connections) return value.people.map(({ name }) => name).toSorted();
  }
}

it("counts every connection and names everybody once", async () => {
  const presence = new Presence(createHub());
  const first = presence.join(ada);
  expect(await seen(first, 1)).toEqual(["Ada"]);
  const others = [presence.join(ada), presence.join(grace)];
  for (const other of others) await other.next();
  expect(await seen(first, 3)).toEqual(["Ada", "Grace"]);
  for (const one of [first, ...others]) await one.return();
});

it("takes off whoever leaves, by signal or by return", async () => {
  const presence = new Presence(createHub());
  const controller = new AbortController();
  const stays = presence.join(ada);
  const returns = presence.join(grace);
  const aborts = presence.join(grace, controller.signal);
  for (const one of [stays, returns, aborts]) await one.next();

  expect(await seen(stays, 3)).toEqual(["Ada", "Grace"]);
  await returns.return();
  expect(await seen(stays, 2)).toEqual(["Ada", "Grace"]);
  await seen(aborts, 2);
  const waiting = aborts.next();
  controller.abort();
  expect((await waiting).done).toBe(true);
  expect(await seen(stays, 1)).toEqual(["Ada"]);
  await stays.return();
});
