import type { Payload } from "./application.ts";

/** One of the things that are compared: a server and its client, both as their users would write them. */
export interface Peer {
  /** Listens on a free port of 127.0.0.1; resolves with the port. */
  startServer(): Promise<number>;
  /** Resolves when the connection answers calls. */
  connect(port: number): Promise<Client>;
}

/** A client that has connected. */
export interface Client {
  add(a: number, b: number): Promise<number>;
  echo(payload: Payload): Promise<Payload>;
  /** Resolves when the server has no more items. */
  stream(count: number, onItem: (item: number) => void): Promise<void>;
  /** The same as a stream in a query's answer; left out by peers that have none. */
  download?(count: number, onItem: (item: number) => void): Promise<void>;
  /** Left out by peers that are not compared with bytes. */
  echoBytes?(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
  close(): void;
}
