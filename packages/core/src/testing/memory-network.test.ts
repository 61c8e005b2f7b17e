import { describe, expect, it } from "vitest";
import type { Frame } from "../frame.ts";
import { textOf } from "./frame-json.ts";
import type { LinkEnd, MemorySocket } from "./memory-link.ts";
import { MemoryNetwork, type MemoryNetworkOptions } from "./memory-network.ts";
import type { MemoryWebSocket } from "./memory-web-socket.ts";

interface Joined {
  readonly network: MemoryNetwork;
  readonly webSocket: MemoryWebSocket;
  /** What each end has heard. */
  readonly heard: Record<LinkEnd, Frame[]>;
  readonly server: () => MemorySocket | undefined;
}

function join(options: MemoryNetworkOptions = {}): Joined {
  const network = new MemoryNetwork(options);
  const heard: Record<LinkEnd, Frame[]> = { client: [], server: [] };
  let server: MemorySocket | undefined;
  network.listen("ws://memory/", (socket) => {
    server = socket;
    socket.listen({
      onFrame: (frame) => heard.server.push(frame),
      onClosed: (code) => heard.server.push(`closed ${code}`),
    });
  });
  const webSocket = new network.WebSocket("ws://memory/");
  webSocket.addEventListener("open", () => heard.client.push("open"));
  webSocket.addEventListener("message", ({ data }) => heard.client.push(String(data)));
  webSocket.addEventListener("close", ({ code }) => heard.client.push(`closed ${code}`));
  return { network, webSocket, heard, server: () => server };
}

describe("a network in memory", () => {
  it("opens connections and carries frames in the time that it takes", async () => {
    const { network, webSocket, heard } = join({ connectMs: [5, 5], latencyMs: [3, 3] });
    await network.advance(7);
    expect(heard.client).toEqual([]);
    await network.advance(1);
    expect(heard.client).toEqual(["open"]);
    webSocket.send("a");
    await network.advance(2);
    expect(heard.server).toEqual([]);
    await network.advance(1);
    expect(heard.server).toEqual(["a"]);
  });

  it("keeps frames in order, however long each is on its way", async () => {
    const { network, webSocket, heard } = join({ latencyMs: [0, 50] });
    await network.advance(100);
    const frames = Array.from({ length: 20 }, (_, index) => `${index}`);
    for (const frame of frames) webSocket.send(frame);
    await network.advance(100);
    expect(heard.server).toEqual(frames);
  });

  it("refuses where nobody listens, and where it cannot be reached", async () => {
    const { network, heard } = join();
    network.reachable = false;
    await network.advance(10);
    expect(heard.client).toEqual(["closed 1006"]);
    expect(heard.server).toEqual([]);
  });

  it("loses what is on its way when it is cut, but for the frames that are to arrive", async () => {
    const { network, webSocket, heard } = join();
    await network.advance(10);
    for (const frame of ["a", "b", "c"]) webSocket.send(frame);
    network.connections[0]?.cut({ client: 2 });
    await network.advance(10);
    expect(heard).toEqual({ client: ["open", "closed 1006"], server: ["a", "b", "closed 1006"] });
    expect(network.connections).toEqual([]);
  });

  it("leaves one end in the dark when the other is lost; what was sent before may still arrive", async () => {
    for (const sent of ["lost", "arrives"] as const) {
      const { network, webSocket, heard, server } = join();
      await network.advance(10);
      webSocket.send("a");
      network.connections[0]?.client.lose(sent);
      server()?.send("b");
      await network.advance(10);
      expect(heard).toEqual({ client: ["open", "closed 1006"], server: sent === "lost" ? [] : ["a"] });
      expect(network.connections).toHaveLength(1);
      server()?.terminate();
      await network.advance(10);
      expect(network.connections).toEqual([]);
    }
  });

  it("holds one direction for as long as it is stalled", async () => {
    const { network, webSocket, heard, server } = join();
    await network.advance(10);
    const release = network.connections[0]?.client.stall();
    webSocket.send("a");
    server()?.send("b");
    await network.advance(1_000);
    expect(heard).toEqual({ client: ["open", "b"], server: [] });
    release?.();
    await network.advance(10);
    expect(heard.server).toEqual(["a"]);
  });

  it("says that a socket is not drained while so much is on its way from it", async () => {
    const { network, server } = join({ highWaterLength: 5 });
    await network.advance(10);
    server()?.send("1234");
    expect(server()?.drained()).toBeUndefined();
    server()?.send("5");
    const drained = server()?.drained();
    expect(drained).toBeInstanceOf(Promise);
    await network.advance(10);
    await drained;
    expect(server()?.drained()).toBeUndefined();
  });

  it("opens connections out of order, the same for the same seed", async () => {
    const run = async (seed: number): Promise<string[]> => {
      const network = new MemoryNetwork({ seed, connectMs: [1, 100] });
      const opened: string[] = [];
      network.listen("ws://memory/", (socket) =>
        socket.listen({ onFrame: (frame) => opened.push(textOf(frame)), onClosed: () => {} }),
      );
      for (let index = 0; index < 10; index++) {
        const webSocket = new network.WebSocket("ws://memory/");
        webSocket.addEventListener("open", () => webSocket.send(`${index}`));
      }
      await network.advance(200);
      return opened;
    };
    const opened = await run(1);
    expect(opened).toHaveLength(10);
    expect(opened).not.toEqual([...opened].sort());
    expect(await run(1)).toEqual(opened);
    expect(await run(2)).not.toEqual(opened);
  });
});
