import { afterEach, describe, expect, test, vi } from "vitest";
import type { ClientConnection } from "./connection-state.ts";
import { createUntypedClient } from "./create-client.ts";
import { onWake } from "./wake.ts";

/** What a browser has of which wake-ups are heard, and how many listen. */
function createPage() {
  const listening: AbortSignal[] = [];
  const add = (target: EventTarget) => (type: string, listener: () => void, options: { signal: AbortSignal }) => {
    listening.push(options.signal);
    target.addEventListener(type, listener, options);
  };
  const [host, page] = [new EventTarget(), new EventTarget()];
  const document = { visibilityState: "hidden", addEventListener: add(page) };
  vi.stubGlobal("addEventListener", add(host));
  vi.stubGlobal("document", document);
  return {
    document,
    listeners: () => listening.filter(({ aborted }) => !aborted).length,
    connect: () => host.dispatchEvent(new Event("online")),
    show: (visibilityState: string) => {
      document.visibilityState = visibilityState;
      page.dispatchEvent(new Event("visibilitychange"));
    },
  };
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("a wake-up", () => {
  test("is the network that is there again, and the page that is looked at again, until nobody wants to know", () => {
    const page = createPage();
    const controller = new AbortController();
    let woken = 0;
    onWake(() => woken++, controller.signal);
    page.connect();
    page.show("visible");
    page.show("hidden");
    expect(woken).toBe(2);
    controller.abort();
    page.connect();
    page.show("visible");
    expect(woken).toBe(2);
  });

  test("does not happen outside of browsers", () => {
    expect(() => onWake(() => {}, new AbortController().signal)).not.toThrow();
  });

  test("has a client try anew, also where a try hangs, and count its tries from there", async () => {
    const page = createPage();
    const sockets: EventTarget[] = [];
    const closed: EventTarget[] = [];
    class HangingSocket extends EventTarget {
      readonly readyState = 0;
      constructor() {
        super();
        sockets.push(this);
      }
      send(): void {}
      close(): void {
        closed.push(this);
      }
    }
    const options = { url: "ws://127.0.0.1:1", WebSocket: HangingSocket as never, random: () => 1 };
    const { connection } = createUntypedClient(options) as { connection: ClientConnection };
    connection.connect();
    const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    const fail = async (): Promise<void> => {
      await settled();
      sockets.at(-1)?.dispatchEvent(Object.assign(new Event("close"), { code: 1006, reason: "" }));
      expect(connection.state.status).toBe("reconnecting");
    };
    await fail();
    for (let time = 1; time <= 3; time++) {
      page.connect();
      await settled();
      expect([sockets.length, closed.length]).toEqual([1 + time, time]);
    }
    await fail();
    expect(connection.state).toMatchObject({ attempt: 1 });
    connection.close();
  });

  test("is heard by a client while it is kept connected, and no longer", () => {
    const page = createPage();
    class DeadSocket extends EventTarget {
      readonly readyState = 0;
      send(): void {}
      close(): void {}
    }
    const options = { url: "ws://127.0.0.1:1", WebSocket: DeadSocket as never };
    const client = createUntypedClient(options) as { connection: { connect(): void; close(): void } };
    expect(page.listeners()).toBe(0);
    for (let time = 0; time < 3; time++) {
      client.connection.connect();
      client.connection.connect();
      expect(page.listeners()).toBe(2);
      client.connection.close();
      expect(page.listeners()).toBe(0);
    }
  });
});
