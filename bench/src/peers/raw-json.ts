// A protocol written by hand: `{"id":1,"method":"add","input":{…}}` and `{"id":1,"result":3}`, no validation, no limits. Bytes
// go in binary frames of their own.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import { add, type Payload } from "../application.ts";
import type { Client, Peer } from "../peer.ts";

interface RequestMessage {
  readonly id: number;
  readonly method: "add" | "echo" | "stream";
  readonly input: unknown;
}

interface ReplyMessage {
  readonly id: number;
  readonly result?: unknown;
  readonly item?: number;
  readonly end?: true;
}

type Send = (message: RequestMessage | ReplyMessage) => void;
type CreateSend = (webSocket: WebSocket) => Send;

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onItem: ((item: number) => void) | undefined;
}

/** @param createSend how messages become frames: one object each, or an array of them. */
export function createRawPeer(createSend: CreateSend): Peer {
  return { startServer: () => startServer(createSend), connect: (port) => RawClient.connect(port, createSend) };
}

async function startServer(createSend: CreateSend): Promise<number> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("connection", (webSocket) => {
    const send = createSend(webSocket);
    webSocket.on("message", (data, isBinary) => {
      if (isBinary) webSocket.send(withId(idOf(data as Buffer), bytesOf(data as Buffer)));
      else for (const message of readMessages<RequestMessage>(data)) answer(message, send);
    });
  });
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

function answer({ id, method, input }: RequestMessage, send: Send): void {
  switch (method) {
    case "add":
      return send({ id, result: add(input as { a: number; b: number }) });
    case "echo":
      return send({ id, result: input });
    case "stream":
      return sendItems(id, (input as { count: number }).count, send);
  }
}

/** Some hundred items in a turn, so that other connections get theirs. */
function sendItems(id: number, count: number, send: Send, from = 0): void {
  const to = Math.min(count, from + 512);
  for (let item = from; item < to; item++) send({ id, item });
  if (to === count) send({ id, end: true });
  else setImmediate(() => sendItems(id, count, send, to));
}

/** Nothing is checked: both ends are this file. */
function readMessages<Message>(data: RawData): readonly Message[] {
  const frame = JSON.parse((data as Buffer).toString()) as Message | Message[];
  return Array.isArray(frame) ? frame : [frame];
}

/** Bytes go in a binary frame, after four bytes of the call's id; they are copied once, into it. */
function withId(id: number, bytes: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(4 + bytes.length);
  frame.writeUInt32BE(id);
  frame.set(bytes, 4);
  return frame;
}

function idOf(frame: Buffer): number {
  return frame.readUInt32BE();
}

function bytesOf(frame: Buffer): Uint8Array {
  return frame.subarray(4);
}

class RawClient implements Client {
  readonly #webSocket: WebSocket;
  readonly #send: Send;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  static async connect(port: number, createSend: CreateSend): Promise<RawClient> {
    const webSocket = new WebSocket(`ws://127.0.0.1:${port}`);
    await once(webSocket, "open");
    return new RawClient(webSocket, createSend(webSocket));
  }

  constructor(webSocket: WebSocket, send: Send) {
    this.#webSocket = webSocket;
    this.#send = send;
    webSocket.on("message", (data, isBinary) => {
      if (isBinary) this.#onReply({ id: idOf(data as Buffer), result: bytesOf(data as Buffer) });
      else for (const message of readMessages<ReplyMessage>(data)) this.#onReply(message);
    });
    webSocket.on("close", () => this.#onClose());
  }

  add(a: number, b: number): Promise<number> {
    return this.#call("add", { a, b }) as Promise<number>;
  }

  echo(payload: Payload): Promise<Payload> {
    return this.#call("echo", payload) as Promise<Payload>;
  }

  async stream(count: number, onItem: (item: number) => void): Promise<void> {
    await this.#call("stream", { count }, onItem);
  }

  /** There is no other kind of stream here. */
  download(count: number, onItem: (item: number) => void): Promise<void> {
    return this.stream(count, onItem);
  }

  echoBytes(bytes: Uint8Array): Promise<Uint8Array> {
    return this.#wait((id) => this.#webSocket.send(withId(id, bytes))) as Promise<Uint8Array>;
  }

  close(): void {
    this.#webSocket.close();
  }

  #call(method: RequestMessage["method"], input: unknown, onItem?: (item: number) => void): Promise<unknown> {
    return this.#wait((id) => this.#send({ id, method, input }), onItem);
  }

  #wait(send: (id: number) => void, onItem?: (item: number) => void): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#waiting.set(id, { resolve, reject, onItem });
      send(id);
    });
  }

  #onReply({ id, item, result }: ReplyMessage): void {
    const waiting = this.#waiting.get(id);
    if (item !== undefined) return waiting?.onItem?.(item);
    this.#waiting.delete(id);
    waiting?.resolve(result);
  }

  #onClose(): void {
    for (const { reject } of this.#waiting.values()) reject(new Error("the connection was closed"));
  }
}
