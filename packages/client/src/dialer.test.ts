import { TautlineError } from "@tautline/core";
import { describe, expect, test } from "vitest";
import { ClientSetup } from "../testing/client-setup.ts";

describe("a client that is connecting", () => {
  test("connects no further where a listener closes it", async () => {
    const { client, network, lines } = new ClientSetup();
    client.connection.subscribe(({ status }) => {
      if (status === "connecting") client.connection.close();
    });
    client.connection.connect();
    await network.advance(100);
    expect([lines, client.connection.state, network.clock.timers]).toEqual([[], { status: "closed" }, 0]);
  });

  test("stays closed where what gives its credentials closes it", async () => {
    const { client, network, lines }: ClientSetup = new ClientSetup({
      connectionParams: () => {
        client.connection.close();
        return Promise.reject(new Error("nobody is signed in"));
      },
    });
    client.connection.connect();
    await network.advance(100);
    expect([lines, client.connection.state, network.clock.timers]).toEqual([[], { status: "closed" }, 0]);
  });

  test("says so once, also to a listener that connects whenever it is not online", async () => {
    const { client, network, lines } = new ClientSetup();
    const heard: string[] = [];
    client.connection.subscribe(({ status }) => {
      heard.push(status);
      if (status !== "online") client.connection.connect();
    });
    client.connection.connect();
    await network.advance(100);
    expect([heard, lines.length]).toEqual([["connecting"], 1]);
  });
});

describe("a socket that fails and does not close, as some hosts have them", () => {
  test("is given up at once", async () => {
    class Blocked {
      readonly readyState = 3;
      send(): void {}
      close(): void {}
      addEventListener(type: string, listener: (event: never) => void): void {
        if (type === "error") queueMicrotask(() => listener({} as never));
      }
    }
    const { client, network } = new ClientSetup({ WebSocket: Blocked });
    client.connection.connect();
    await network.advance(1);
    expect(client.connection.state).toMatchObject({ status: "reconnecting", reason: { code: "CONNECTION_CLOSED" } });
    client.connection.close();
    expect(network.clock.timers).toBe(0);
  });
});

describe("what gives the address, or credentials", () => {
  test("is asked again whatever it rejects with, also where that has a code that an address would be given up for", async () => {
    let asked = 0;
    const { client, network, lines }: ClientSetup = new ClientSetup({
      connectionParams: () => {
        if (++asked < 3) throw new TautlineError({ code: "BAD_REQUEST", message: "of another client's" });
        return { token: "t" };
      },
    });
    client.connection.connect();
    await network.advance(100);
    expect([asked, lines.length, client.connection.state.status]).toEqual([3, 1, "reconnecting"]);
  });
});

describe("idleCloseMs", () => {
  test("counts from connect() where no call is made", async () => {
    const setup = new ClientSetup({ idleCloseMs: 1_000 });
    setup.client.connection.connect();
    await setup.line();
    await setup.welcome({ token: "t", windowMs: 60_000 });
    await setup.network.advance(900);
    expect(setup.client.connection.state.status).toBe("online");
    await setup.network.advance(100);
    expect([setup.client.connection.state.status, setup.network.clock.timers]).toEqual(["idle", 0]);
  });

  test("also where the connection was opened with the client, and is lost over and over", async () => {
    const setup = new ClientSetup({ idleCloseMs: 1_000, lazy: false });
    for (let ms = 0; ms < 1_000; ms += 100) {
      await setup.network.advance(100);
      setup.last.cut();
    }
    await setup.network.advance(10);
    expect([setup.client.connection.state.status, setup.network.clock.timers]).toEqual(["idle", 0]);
  });
});

describe("a client that moves to another server", () => {
  test("takes no goaway for a welcome, and closes every connection when it is closed", async () => {
    const setup = new ClientSetup({ random: () => 0 });
    setup.client.connection.connect();
    await setup.line();
    await setup.welcome({ token: "a", windowMs: 60_000 });
    setup.save("x");
    setup.last.say([6, 1_000]);
    await setup.line();
    setup.last.say([6, 1_000]);
    await setup.network.advance(2);
    expect(setup.last.closed).toBe(4400);
    setup.client.connection.close();
    await setup.network.advance(2);
    expect([setup.lines[0]?.closed, setup.lines.length, setup.network.clock.timers]).toEqual([1000, 2, 0]);
  });
});
