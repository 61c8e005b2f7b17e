import type { Peer } from "../peer.ts";
import { createRawPeer } from "./raw-json.ts";

/** One frame for each message. */
export const peer: Peer = createRawPeer((webSocket) => (message) => webSocket.send(JSON.stringify(message)));
