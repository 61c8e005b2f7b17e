import { expect, it } from "vitest";
import { Presence } from "./presence.ts";

const ada = { id: "1", name: "Ada" };
const grace = { id: "2", name: "Grace" };

it("counts every connection and names everybody once", async () => {
  const presence = new Presence();
  const first = presence.join(ada);
  expect((await first.next()).value).toEqual({ connections: 1, people: [ada] });
  await presence.join(ada).next();
  await presence.join(grace).next();
  expect((await first.next()).value).toEqual({ connections: 3, people: [ada, grace] });
});

it("takes off whoever leaves, by signal or by return", async () => {
  const presence = new Presence();
  const stays = presence.join(ada);
  const returns = presence.join(grace);
  const controller = new AbortController();
  const aborts = presence.join(grace, controller.signal);
  for (const one of [stays, returns, aborts]) await one.next();

  await returns.return();
  await aborts.next();
  const waiting = aborts.next();
  controller.abort();
  expect((await waiting).done).toBe(true);
  expect((await stays.next()).value).toEqual({ connections: 1, people: [ada] });
});
