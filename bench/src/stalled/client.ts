// The client of `bench:stalled` in Node: `client <port>`.
import { WebSocket } from "ws";
import { answerCommands } from "../command-channel.ts";
import { type MemoryReport, measureMemory } from "./memory-report.ts";
import { createReading, type StalledClientCommands } from "./reading.ts";

export interface StalledNodeCommands extends StalledClientCommands {
  memory(): Promise<MemoryReport>;
  /** Nothing is read from the socket any more, or is again. */
  pauseSocket(task: { readonly paused: boolean }): void;
}

const opened: WebSocket[] = [];

class KeptWebSocket extends WebSocket {
  constructor(url: string, protocol: string) {
    super(url, protocol);
    opened.push(this);
  }
}

const reading = createReading(`ws://127.0.0.1:${process.argv[2]}`, KeptWebSocket);
const commands: StalledNodeCommands = {
  ...reading,
  memory: measureMemory,
  pauseSocket({ paused }) {
    // Those that were given up meanwhile stay as they are.
    const socket = opened.at(-1);
    if (paused) socket?.pause();
    else socket?.resume();
  },
};
answerCommands(commands);
