import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { History } from "@tautline/core/testing";
import { Server, type Socket as ServerSocket } from "socket.io";
import { io, type Socket } from "socket.io-client";
import { type Logged, LoggedHandlers, type LoggedInput } from "./application.ts";
import type { ReadObserver, RunningServer, System, SystemClient } from "./system.ts";

/** A run's items go to a room of its own: rooms, and what was sent to them meanwhile, are what recovery restores. */
interface RoomItem {
  readonly room: string;
  readonly item: Logged;
}

interface FromServer {
  item(item: RoomItem): void;
  end(room: string): void;
}

interface FromClient {
  ask(input: LoggedInput, reply: (result: Logged) => void): void;
  act(input: LoggedInput, reply: (result: Logged) => void): void;
  count(input: LoggedInput, room: string, reply: () => void): void;
}

const ackTimeoutMs = 1000;

/** @param retries 0: an event arrives at most once. More: at least once, as its documentation has it. */
export function createSocketIoSystem(retries: number): System {
  return {
    name: retries === 0 ? "socket.io" : "socket.io, retries",
    serve,
    connect: ({ port, name, onExcuse }) => {
      const socket: Socket<FromServer, FromClient> = io(`http://127.0.0.1:${port}`, {
        transports: ["websocket"],
        forceNew: true,
        auth: { client: name },
        reconnectionDelay: 1,
        reconnectionDelayMax: 4,
        // A connection that ends in its handshake is noticed by this alone; the default is 20 s.
        timeout: 500,
        ...(retries > 0 && { retries, ackTimeout: ackTimeoutMs }),
      });
      socket.on("disconnect", onExcuse);
      return createClient(socket, retries > 0 ? socket : socket.timeout(ackTimeoutMs));
    },
  };
}

async function serve(history: History): Promise<RunningServer> {
  const http = createServer();
  const server = new Server<FromClient, FromServer>(http, { connectionStateRecovery: {} });
  const handlers = new LoggedHandlers(history);
  server.on("connection", (socket) => serveSocket(server, socket, handlers));
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  return { port: (http.address() as AddressInfo).port, close: () => server.close() };
}

function serveSocket(
  server: Server<FromClient, FromServer>,
  socket: ServerSocket<FromClient, FromServer>,
  handlers: LoggedHandlers,
): void {
  const client = String(socket.handshake.auth["client"]);
  const sendItems = async (input: LoggedInput, room: string): Promise<void> => {
    for await (const item of handlers.count(client, input)) server.to(room).emit("item", { room, item });
    server.to(room).emit("end", room);
  };
  socket.on("ask", (input, reply) => void handlers.work(client, input).then(reply));
  socket.on("act", (input, reply) => void handlers.work(client, input).then(reply));
  socket.on("count", (input, room, reply) => {
    void socket.join(room);
    reply();
    void sendItems(input, room);
  });
}

type ClientSocket = Socket<FromServer, FromClient>;

/** @param patient the socket, with a time limit for acknowledgements. */
function createClient(socket: ClientSocket, patient: Pick<ClientSocket, "emitWithAck">): SystemClient {
  return {
    request: (type, input) => patient.emitWithAck(type === "query" ? "ask" : "act", input),
    read: (input, observer) => new Promise((onEnd) => new Reader(socket, patient, input, { ...observer, onEnd })),
    close: () => void socket.disconnect(),
  };
}

interface ReaderEvents extends ReadObserver {
  readonly onEnd: () => void;
}

/** What its user writes: where the state was not recovered, or nobody has answered, it asks for what comes after the last item. */
class Reader {
  readonly #socket: ClientSocket;
  readonly #patient: Pick<ClientSocket, "emitWithAck">;
  readonly #input: LoggedInput;
  #rooms = 0;
  #room = "";
  #last: string | undefined = undefined;
  #phase: "asking" | "unheard" | "reading" = "asking";

  constructor(
    socket: ClientSocket,
    patient: Pick<ClientSocket, "emitWithAck">,
    input: LoggedInput,
    { onItem, onGap, onEnd }: ReaderEvents,
  ) {
    this.#socket = socket;
    this.#patient = patient;
    this.#input = input;
    socket.on("item", ({ room, item }) => {
      if (room !== this.#room) return;
      this.#last = `${item.position}`;
      onItem(item);
    });
    socket.on("end", (room) => {
      if (room === this.#room) onEnd();
    });
    socket.on("connect", () => {
      const gap = this.#phase === "reading" && !socket.recovered;
      if (gap) onGap();
      // What waits to be sent is sent by the socket itself.
      if (gap || this.#phase === "unheard") this.#subscribe();
    });
    this.#subscribe();
  }

  #subscribe(): void {
    const room = `${this.#input.call}, room ${++this.#rooms}`;
    this.#room = room;
    this.#phase = "asking";
    this.#patient.emitWithAck("count", { ...this.#input, lastEventId: this.#last }, room).then(
      () => {
        if (room === this.#room) this.#phase = "reading";
      },
      () => {
        if (room !== this.#room) return;
        this.#phase = "unheard";
        if (this.#socket.connected) this.#subscribe();
      },
    );
  }
}
