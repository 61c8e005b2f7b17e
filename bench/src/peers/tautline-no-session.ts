// The server and client of `tautline`, put together from the packages' own parts with nothing between calls and socket: no hello,
// no counting, no acknowledgements, no replay. What a session costs is the difference.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { ProcedureType, TautlineError } from "@tautline/core";
import {
  Connection,
  Deadlines,
  everyMessage,
  type IncomingCall,
  IncomingCalls,
  type Message,
  OutgoingCalls,
  type OutgoingFrame,
  Peer,
  type PeerMessage,
  parseStrictly,
  serverMessages,
  subprotocol,
  Values,
} from "@tautline/core/internals";
import { WebSocket } from "ws";
import { Call, type CallRuntime } from "../../../packages/core/src/call.ts";
import { createPathProxy } from "../../../packages/core/src/path-proxy.ts";
import type { CallScope } from "../../../packages/server/src/call-scope.ts";
import { systemClock } from "../../../packages/server/src/clock.ts";
import { Dispatch } from "../../../packages/server/src/dispatch.ts";
import { type ServerLimits, serverLimits } from "../../../packages/server/src/options.ts";
import { Upgrader, type WsSocket } from "../../../packages/server/src/web-socket.ts";
import type { Payload } from "../application.ts";
import type { Client, Peer as ComparedPeer } from "../peer.ts";
import { router } from "./trpc-router.ts";

export const peer: ComparedPeer = { startServer, connect };

async function startServer(): Promise<number> {
  const limits = serverLimits({});
  const upgrader = new Upgrader(limits);
  const dispatch = new Dispatch({
    router,
    errorDetail: "deliberate",
    onError: () => {},
    clock: systemClock,
    idempotency: undefined,
    maxFrameBytes: limits.maxFrameBytes,
  });
  const http = createServer();
  http.on("upgrade", (req, stream, head) => {
    upgrader.upgrade(req, stream, head, (socket) => serveSocket(socket, dispatch, { ctx: undefined, req }, limits));
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  return (http.address() as AddressInfo).port;
}

function serveSocket(socket: WsSocket, dispatch: Dispatch, scope: CallScope, limits: ServerLimits): void {
  const onMessage = (message: Message): void => receive(peer, message, connection);
  const parse = (text: string): unknown => parseStrictly(text, limits.maxDepth);
  const connection = new Connection(socket, { onMessage, onError: rethrow }, { table: everyMessage, parse });
  const server = {
    onCall: (call: IncomingCall) => dispatch.run(call, scope),
    onRefused: (call: IncomingCall, error: TautlineError) => dispatch.fail(call, error, scope),
    onSettled: () => {},
  };
  const calls = new IncomingCalls(connection, server, limits);
  const peer = new Peer({ serve: () => calls, calls: new OutgoingCalls(limits.maxFrameBytes) });
  peer.attach(connection);
  socket.listen({
    onFrame: (frame) => connection.receive(frame),
    onClosed: () => connection.onClosed(),
  });
}

async function connect(port: number): Promise<Client> {
  const webSocket = new WebSocket(`ws://127.0.0.1:${port}`, subprotocol);
  await once(webSocket, "open");
  const calls = new OutgoingCalls();
  const onMessage = (message: Message): void => receive(calls, message, connection);
  const socket = {
    send: (frame: OutgoingFrame) => webSocket.send(frame as string),
    close: (code: number, reason: string) => webSocket.close(code, reason),
  };
  const connection = new Connection(socket, { onMessage, onError: rethrow }, { table: serverMessages });
  calls.attach(connection);
  webSocket.addEventListener("message", ({ data }) => connection.receive(data as string));
  return createClient(createRuntime(calls), () => webSocket.close());
}

/** Both ends are this file: only peers speak here. */
function receive(end: Peer | OutgoingCalls, message: Message, connection: Connection): void {
  end.receive(message as PeerMessage, connection);
}

function rethrow(error: TautlineError): never {
  throw error;
}

function createRuntime(calls: OutgoingCalls): CallRuntime {
  return {
    calls,
    connection: { use: () => {}, release: () => {} },
    deadlines: new Deadlines(systemClock),
    values: new Values(),
  };
}

function createClient(runtime: CallRuntime, close: () => void): Client {
  const proxy = createPathProxy((path, method, [input]) => {
    const type: ProcedureType = method === "mutate" ? "mutation" : "query";
    return new Promise((onDone, onError) => {
      new Call(runtime, { type, path, input, options: {} }, { onDone, onError });
    });
  }) as Calls;
  return {
    add: (a, b) => proxy.add.query({ a, b }),
    echo: (payload) => proxy.echo.mutate(payload),
    stream: (count, onItem) =>
      new Promise((onDone, onError) => {
        const call = { type: "subscription", path: "stream", input: { count }, options: {} } as const;
        new Call(runtime, call, { onDone: () => onDone(), onError, onItem: (item) => onItem(item as number) });
      }),
    close,
  };
}

interface Calls {
  readonly add: { query(input: { a: number; b: number }): Promise<number> };
  readonly echo: { mutate(payload: Payload): Promise<Payload> };
}
