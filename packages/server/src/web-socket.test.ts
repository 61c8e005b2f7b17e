import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { Duplex } from "node:stream";
import { type Frame, SharedMessage, subprotocol } from "@tautline/core/internals";
import { afterEach, describe, expect, test } from "vitest";
import { Upgrader, type WsSocket } from "./web-socket.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A socket of the server's, and every byte that it writes. */
async function openSocket(
  highWaterBytes = 1_000_000,
): Promise<{ socket: WsSocket; stream: Duplex; written: Buffer[] }> {
  const server: Server = createServer();
  const upgrader = new Upgrader({ maxFrameBytes: 1_000_000, highWaterBytes });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const opened = new Promise<{ socket: WsSocket; stream: Duplex; written: Buffer[] }>((resolve) => {
    server.on("upgrade", (request, stream: Duplex, head: Buffer) => {
      upgrader.upgrade(request, stream, head, (socket) => {
        socket.listen({ onFrame: () => {}, onClosed: () => {} });
        resolve({ socket, stream, written: record(stream) });
      });
    });
  });
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  client.on("error", () => {});
  client.resume();
  client.write(
    `GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ${subprotocol}\r\n\r\n`,
  );
  cleanups.push(() => {
    client.destroy();
    server.close();
  });
  return opened;
}

function record(stream: Duplex): Buffer[] {
  const written: Buffer[] = [];
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = ((chunk: Uint8Array, ...rest: unknown[]) => {
    written.push(Buffer.from(chunk));
    return write(chunk, ...rest);
  }) as typeof stream.write;
  return written;
}

const frames: readonly Frame[] = [
  "[]",
  `[35,1,"e","ä€😀${"x".repeat(80)}"]`,
  ...[113, 114, 115, 116, 125, 126, 127, 65_523, 65_524, 65_525, 70_000].map(
    (length) => `[35,1,"e","${"x".repeat(length)}"]`,
  ),
  new Uint8Array(0),
  ...[125, 126, 65_535, 65_536].map((length) => new Uint8Array(length).fill(7)),
];

/** A message that makes this frame. */
function sharedOf(frame: Frame): SharedMessage {
  return new SharedMessage(typeof frame === "string" ? frame.slice(1, -1) : frame);
}

/** A shared message is written when its turn is over. */
async function microtasks(): Promise<void> {
  for (let count = 0; count < 5; count++) await Promise.resolve();
}

describe("a shared message on a socket", () => {
  test("is the same bytes as ws writes for its frame, at every length of head", async () => {
    const { socket, written } = await openSocket();
    for (const frame of frames) {
      socket.send(frame);
      const byWs = Buffer.concat(written.splice(0));
      socket.send(sharedOf(frame));
      await microtasks();
      expect(Buffer.concat(written.splice(0)).equals(byWs)).toBe(true);
    }
  });

  test("is framed once for all sockets", async () => {
    const [one, other] = [await openSocket(), await openSocket()];
    const shared = sharedOf('[[35,1,"e"]]');
    one.socket.send(shared);
    const { wire } = shared;
    other.socket.send(shared);
    await microtasks();
    expect(wire).toBeDefined();
    expect(shared.wire).toBe(wire);
    expect(other.written).toEqual(one.written);
  });

  test("keeps its place among what ws sends, also in a corked stream", async () => {
    const { socket, stream, written } = await openSocket();
    stream.cork();
    socket.send("[1]");
    socket.send(sharedOf("[2]"));
    socket.send("[3]");
    stream.uncork();
    expect(Buffer.concat(written).toString("latin1")).toBe("\x81\x03[1]\x81\x03[2]\x81\x03[3]");
  });

  test("is not written once the socket is closing, nor to a stream that has ended", async () => {
    const { socket, stream, written } = await openSocket();
    socket.close(1000, "");
    written.length = 0;
    socket.send(sharedOf("[2]"));
    await microtasks();
    expect(written).toEqual([]);
    const ended = await openSocket();
    ended.stream.end();
    ended.written.length = 0;
    ended.socket.send(sharedOf("[2]"));
    stream.destroy();
    ended.socket.send(sharedOf("[2]"));
    await microtasks();
    expect(ended.written.length).toBeLessThanOrEqual(2);
  });

  test("goes out before a close that is asked for after it", async () => {
    const { socket, written } = await openSocket();
    socket.send(sharedOf("[2]"));
    socket.close(1000, "");
    await microtasks();
    expect(Buffer.concat(written).toString("latin1")).toBe("\x81\x03[2]\x88\x02\x03\xe8");
  });

  test("is left out for a socket that was ended before its turn came", async () => {
    const { socket, written } = await openSocket();
    socket.send(sharedOf("[2]"));
    socket.terminate();
    await microtasks();
    expect(written).toEqual([]);
  });

  test("counts in what a socket holds before its producers wait", async () => {
    const { socket, stream } = await openSocket();
    stream.cork();
    socket.send(sharedOf("x".repeat(1_000_000)));
    expect(socket.drained()).toBeUndefined();
    await microtasks();
    const drained = socket.drained();
    expect(drained).toBeInstanceOf(Promise);
    stream.uncork();
    await drained;
    expect(socket.drained()).toBeUndefined();
  });
});

describe("what a socket has taken", () => {
  test("is undefined where nothing waits, grows as the system takes, and stands still while it does not", async () => {
    const { socket, stream } = await openSocket();
    expect(socket.taken).toBeUndefined();
    stream.cork();
    socket.send("x".repeat(1_000));
    const { taken } = socket;
    expect(taken).toBeGreaterThanOrEqual(0);
    socket.send("y".repeat(1_000));
    expect(socket.taken).toBe(taken);
    stream.uncork();
    await new Promise((resolve) => stream.write("", resolve));
    expect(socket.taken).toBeUndefined();
    stream.cork();
    socket.send("z");
    expect(socket.taken).toBeGreaterThanOrEqual((taken ?? 0) + 2_000);
  });
});

describe("a socket whose high-water mark is under that of Node's streams", () => {
  test("holds as much as those before its producers wait, and lets them go on once it has drained", async () => {
    const { socket, stream } = await openSocket(1);
    stream.cork();
    socket.send("x".repeat(stream.writableHighWaterMark - 100));
    expect(socket.drained()).toBeUndefined();
    socket.send("y".repeat(100));
    const drained = socket.drained();
    expect(drained).toBeInstanceOf(Promise);
    stream.uncork();
    await drained;
    expect(socket.drained()).toBeUndefined();
  });
});
