/**
 * Some of the cluster's clients. Arguments: the URL, the path of the log, the first client's number and the one after the last, the
 * keys of the cluster, and how long a client waits between two calls, on average, in ms. Does what its parent says, and answers when
 * that is done.
 */
import { type ContractClient, createClient } from "@tautline/client";
import { TautlineError } from "@tautline/core";
import { SeededRandom } from "@tautline/core/testing";
import { api, isShort } from "./api.ts";
import { Log } from "./log.ts";

/** What a process of clients is told; `last`: publish a last event of each key, and say which; `until`: wait until all have these. */
export type ClientsCommand =
  | { readonly do: "follow" | "call" | "stop" | "last" | "close" }
  | { readonly do: "until"; readonly events: Readonly<Record<string, string>>; readonly withinMs: number };

const [url = "", path = "", from, to, keyList = "", everyMs] = process.argv.slice(2);
const allKeys = keyList.split(",");
const log = new Log(path);
process.once("disconnect", () => process.exit());

class Member {
  readonly #number: number;
  readonly #random: SeededRandom;
  readonly #client: ContractClient<typeof api>;
  readonly #keys: readonly string[];
  readonly #newest = new Map<string, string>();
  readonly #calls = new Set<Promise<void>>();
  #subscriptions: string[] = [];
  #timer: NodeJS.Timeout | undefined = undefined;
  #called = 0;

  constructor(number: number) {
    this.#number = number;
    this.#random = new SeededRandom(number + 1);
    this.#client = createClient({ contract: api, url });
    this.#keys = pickKeys(number);
    this.#client.connection.subscribe(({ status }) => {
      if (status === "reconnecting") log.write({ type: "away", subscriptions: this.#subscriptions });
    });
  }

  /** Half of the clients follow their keys one by one, half of them those of a topic together. */
  async follow(): Promise<void> {
    const short = this.#keys.filter(isShort).map((key) => [key]);
    const long = this.#keys.filter((key) => !isShort(key));
    const lists = [...short, ...(this.#number % 2 === 0 ? [long] : long.map((key) => [key]))];
    await Promise.all(lists.map((keys, index) => this.#follow(`${this.#number}.${index}`, keys)));
  }

  /** Calls now and then, whatever becomes of the calls before. */
  call(): void {
    this.#timer = setTimeout(
      () => {
        const event = `${this.#number}-${++this.#called}`;
        this.publish(this.#random.pick(allKeys), event, this.#random.chance(0.2));
        this.call();
      },
      this.#random.integer(0, 2 * Number(everyMs)),
    );
  }

  publish(key: string, event: string, idempotent: boolean): void {
    log.write({ type: "called", event, key, idempotent });
    const call = this.#client.publish
      .mutate({ key, event, idempotent }, { idempotent })
      .then((id) => log.write({ type: "answered", event, id }))
      .catch((thrown: unknown) => log.write({ type: "failed", event, code: TautlineError.from(thrown).code }))
      .finally(() => this.#calls.delete(call));
    this.#calls.add(call);
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.all(this.#calls);
  }

  has(events: Readonly<Record<string, string>>): boolean {
    return this.#keys.every((key) => this.#newest.get(key) === events[key]);
  }

  close(): void {
    this.#client.connection.close();
  }

  #follow(subscription: string, keys: readonly string[]): Promise<void> {
    this.#subscriptions.push(subscription);
    return new Promise((resolve) => {
      this.#client.follow.subscribe(
        { keys: [...keys] },
        {
          onStarted: () => {
            log.write({ type: "follows", subscription, keys });
            resolve();
          },
          onData: ({ id, data: { event, key } }) => {
            log.write({ type: "got", subscription, event, key, id });
            this.#newest.set(key, event);
          },
          onGap: (gap) => log.write({ type: "gap", subscription, ...gap }),
          onError: ({ code }) => this.#onEnded(subscription, code),
          onComplete: () => this.#onEnded(subscription, "complete"),
        },
      );
    });
  }

  #onEnded(subscription: string, code: string): void {
    if (this.#client.connection.state.status !== "closed") log.write({ type: "ended", subscription, code });
  }
}

/** Four of them, one of the short ones among these. */
function pickKeys(number: number): string[] {
  const short = allKeys.filter(isShort);
  const long = allKeys.filter((key) => !isShort(key));
  const picked = [
    short[number % short.length],
    ...[0, 1, 2].map((step) => long[(number * 7 + step * 5) % long.length]),
  ];
  return [...new Set(picked.filter((key) => key !== undefined))];
}

const members = Array.from({ length: Number(to) - Number(from) }, (_, index) => new Member(Number(from) + index));

async function obey(command: ClientsCommand): Promise<unknown> {
  switch (command.do) {
    case "follow":
      return void (await Promise.all(members.map((member) => member.follow())));
    case "call":
      for (const member of members) member.call();
      return;
    case "stop":
      return void (await Promise.all(members.map((member) => member.stop())));
    case "last":
      return await publishLast();
    case "until":
      return await waitFor(command.events, command.withinMs);
    case "close":
      for (const member of members) member.close();
      return;
    default:
      return command satisfies never;
  }
}

async function publishLast(): Promise<Record<string, string>> {
  const events = Object.fromEntries(allKeys.map((key) => [key, `last-${key}`]));
  for (const [key, event] of Object.entries(events)) members[0]?.publish(key, event, false);
  await members[0]?.stop();
  return events;
}

/** Whoever does not get them in time shows in the log. */
async function waitFor(events: Readonly<Record<string, string>>, withinMs: number): Promise<void> {
  for (const givenUpAt = Date.now() + withinMs; Date.now() < givenUpAt; ) {
    if (members.every((member) => member.has(events))) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

process.on("message", (command: ClientsCommand) => {
  obey(command).then(
    (done) => process.send?.({ done }),
    (thrown: unknown) => process.send?.({ failed: String(thrown) }),
  );
});
process.send?.({ done: "started" });
