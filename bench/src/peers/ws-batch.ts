import type { Peer } from "../peer.ts";
import { createRawPeer } from "./raw-json.ts";

/** What is sent until the microtask queue has its turn goes in one frame. */
export const peer: Peer = createRawPeer((webSocket) => {
  let waiting: string[] = [];
  const flush = (): void => {
    const frame = `[${waiting.join(",")}]`;
    waiting = [];
    webSocket.send(frame);
  };
  return (message) => {
    if (waiting.push(JSON.stringify(message)) === 1) queueMicrotask(flush);
  };
});
