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
