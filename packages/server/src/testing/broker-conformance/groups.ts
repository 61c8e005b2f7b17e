import assert from "node:assert/strict";
import type { Broker } from "../../broker.ts";
import { type BrokerTest, eventually, numbered } from "./harness.ts";

async function present(broker: Broker, group: string): Promise<Record<string, string>> {
  return Object.fromEntries(await broker.members(group));
}

export const groupTests: readonly BrokerTest[] = [
  {
    name: "passes a signal on to whoever listens to its channel, on all nodes, its own included",
    async run(harness) {
      const [one, other] = [await harness.createBroker(), await harness.createBroker()];
      const heard: string[][] = [[], [], [], []];
      one.listen("channel", (text) => heard[0]?.push(text));
      other.listen("channel", (text) => heard[1]?.push(text));
      other.listen("channel2", (text) => heard[2]?.push(text));
      other.listen("channel", (text) => heard[3]?.push(text)).close();
      // Listening may take its time, and signals are best effort.
      await eventually(harness, "both listen", () => {
        one.signal("channel", "?");
        return heard[0]?.includes("?") === true && heard[1]?.includes("?") === true;
      });
      for (const text of numbered("é\n{}", 5)) one.signal("channel", text);
      await eventually(harness, "all are heard", () => heard.slice(0, 2).every((texts) => texts.includes("é\n{}5")));
      for (const texts of heard.slice(0, 2))
        assert.deepEqual(
          texts.filter((text) => text !== "?"),
          numbered("é\n{}", 5),
        );
      assert.deepEqual(heard.slice(2), [[], []]);
    },
  },
  {
    name: "has those gone who were released right before it was closed",
    async run(harness) {
      const [one, other] = [await harness.createBroker(), await harness.createBroker()];
      await one.lease("group", new Map(numbered("m", 5).map((member) => [member, "text"])), 60_000);
      assert.equal((await other.members("group")).size, 5);
      void one.release("group", numbered("m", 4));
      await one.close();
      assert.deepEqual(await present(other, "group"), { m5: "text" });
    },
  },
  {
    name: "tells a listener once signals come, also one that is not the first on its channel",
    async run(harness) {
      const [one, other] = [await harness.createBroker(), await harness.createBroker()];
      for (const round of ["1", "2"]) {
        const heard: string[] = [];
        await new Promise<void>((resolve) => void one.listen("channel", (text) => heard.push(text), resolve));
        other.signal("channel", round);
        await eventually(harness, "it is heard", () => heard.includes(round));
      }
      let times = 0;
      const closed = one.listen(
        "channel2",
        () => {},
        () => {
          times++;
        },
      );
      closed.close();
      const before = times;
      await new Promise<void>((resolve) => void one.listen("channel3", () => {}, resolve));
      assert.equal(times, before);
    },
  },
  {
    name: "tells a listener that comes within a signal of the next, and not of that one; one that is closed within it of none",
    async run(harness) {
      const broker = await harness.createBroker();
      const heard: string[] = [];
      let stands = false;
      broker.listen(
        "channel",
        (text) => {
          heard.push(`first ${text}`);
          if (text !== "a") return;
          closed.close();
          const listenAnew = (): void => {
            broker.listen("channel", (later) => {
              heard.push(`late ${later}`);
              if (later === "a" && heard.length < 100) listenAnew();
            });
          };
          listenAnew();
        },
        () => {
          stands = true;
        },
      );
      const closed = broker.listen("channel", (text) => heard.push(`closed ${text}`));
      await eventually(harness, "signals come", () => stands);
      broker.signal("channel", "a");
      broker.signal("channel", "b");
      await eventually(harness, "it is heard", () => heard.includes("late b") || heard.length > 50);
      assert.deepEqual(heard, ["first a", "first b", "late b"]);
    },
  },
  {
    name: "tells a listener again that signals come when it is back",
    needs: ["cut", "restore"],
    async run(harness) {
      const [one, other] = [await harness.createBroker(), await harness.createBroker()];
      const heard: string[] = [];
      let times = 0;
      const count = (): void => {
        times++;
      };
      one.listen("channel", (text) => heard.push(text), count);
      await eventually(harness, "it listens", () => times === 1);
      await harness.cut?.(one);
      const late = one.listen("channel", () => {}, count);
      await harness.pass(20);
      assert.equal(times, 1);
      await harness.restore?.(one);
      await eventually(harness, "both listen", () => times === 3);
      other.signal("channel", "hello");
      await eventually(harness, "it is heard", () => heard.includes("hello"));
      late.close();
    },
  },
  {
    name: "shows who is in a group, with their texts, on every node, until they are released",
    async run(harness) {
      const [one, other] = [await harness.createBroker(), await harness.createBroker()];
      assert.deepEqual(await present(one, "group"), {});
      await one.lease(
        "group",
        new Map([
          ["ada", "1"],
          ["grace.*", "é"],
        ]),
        60_000,
      );
      await other.lease("group", new Map([["linus", ""]]), 60_000);
      await other.lease("group2", new Map([["ada", "elsewhere"]]), 60_000);
      assert.deepEqual(await present(other, "group"), { ada: "1", "grace.*": "é", linus: "" });
      await one.lease("group", new Map([["ada", "2"]]), 60_000);
      await other.release("group", ["grace.*", "nobody"]);
      assert.deepEqual(await present(one, "group"), { ada: "2", linus: "" });
      assert.deepEqual(await present(one, "group2"), { ada: "elsewhere" });
    },
  },
  {
    name: "lets a member go who is not renewed in time, and keeps one who is",
    async run(harness) {
      const broker = await harness.createBroker();
      await broker.lease(
        "group",
        new Map([
          ["stays", "1"],
          ["goes", "1"],
        ]),
        1_000,
      );
      for (let passed = 0; passed < 1_600; passed += 200) {
        await harness.pass(200);
        await broker.lease("group", new Map([["stays", "2"]]), 1_000);
      }
      await eventually(harness, "one has gone", async () => (await present(broker, "group"))["goes"] === undefined);
      assert.deepEqual(await present(broker, "group"), { stays: "2" });
    },
  },
  {
    name: "leases and releases members in the order in which it is asked to, however fast it is asked",
    async run(harness) {
      const broker = await harness.createBroker();
      const member = new Map([["ada", "1"]]);
      await broker.lease("group", member, 60_000);
      for (let round = 0; round < 5; round++) {
        await Promise.all([broker.release("group", ["ada"]), broker.lease("group", member, 60_000)]);
        assert.deepEqual(await present(broker, "group"), { ada: "1" }, `back in round ${round}`);
        await Promise.all([broker.lease("group", member, 60_000), broker.release("group", ["ada"])]);
        assert.deepEqual(await present(broker, "group"), {}, `gone in round ${round}`);
      }
      const many = new Map(numbered("member", 2_500).map((name) => [name, ""]));
      await Promise.all([broker.lease("group", many, 60_000), broker.release("group", ["member2500"])]);
      const names = Object.keys(await present(broker, "group"));
      assert.deepEqual([names.length, names.includes("member2500")], [2_499, false]);
      await broker.release("group", many.keys());
    },
  },
  {
    name: "has nothing left of listeners that were closed and groups that nobody is in",
    needs: ["entries"],
    async run(harness) {
      const broker = await harness.createBroker();
      const before = await harness.entries?.();
      for (let round = 0; round < 20; round++) {
        const listening = numbered("channel", 20).map((channel) => broker.listen(channel, () => {}));
        for (const group of numbered("group", 5)) await broker.lease(group, new Map([["a", "1"]]), 60_000);
        for (const group of numbered("group", 5)) await broker.release(group, ["a"]);
        for (const listener of listening) listener.close();
      }
      await broker.lease("short", new Map([["a", "1"]]), 100);
      await eventually(harness, "nothing is left", async () => (await harness.entries?.()) === before);
    },
  },
  {
    name: "refuses to lease and to look while it is away, and hears signals again when it is back",
    needs: ["cut", "restore"],
    async run(harness) {
      const [one, other] = [await harness.createBroker(), await harness.createBroker()];
      const heard: string[] = [];
      one.listen("channel", (text) => heard.push(text));
      await harness.cut?.(one);
      const away = { code: "SERVICE_UNAVAILABLE" };
      await assert.rejects(one.lease("group", new Map([["a", ""]]), 60_000), away);
      await assert.rejects(one.release("group", ["a"]), away);
      await assert.rejects(one.members("group"), away);
      one.signal("channel", "lost");
      await harness.restore?.(one);
      await eventually(harness, "a signal is heard", () => {
        other.signal("channel", "hello");
        return heard.includes("hello");
      });
      // A broker may have a way of its own for signals, which is back before the other.
      await eventually(harness, "it leases", () =>
        one.lease("group", new Map([["a", ""]]), 60_000).then(
          () => true,
          () => false,
        ),
      );
      assert.deepEqual(await present(other, "group"), { a: "" });
    },
  },
];
