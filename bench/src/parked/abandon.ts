import { connect } from "node:net";
import { subprotocol } from "@tautline/core/internals";

const request = [
  "GET / HTTP/1.1",
  "Host: 127.0.0.1",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  `Sec-WebSocket-Protocol: ${subprotocol}`,
  "\r\n",
].join("\r\n");

/**
 * Opens sessions and leaves each without a word as soon as it is welcome. By hand, since a hundred thousand real clients would take
 * minutes.
 *
 * @param path a subscription that each makes; none where it is left out.
 */
export async function abandonSessions(port: number, count: number, path?: string): Promise<void> {
  let left = count;
  const abandonSome = async (): Promise<void> => {
    while (left-- > 0) await abandonSession(port, path);
  };
  await Promise.all(Array.from({ length: 50 }, abandonSome));
}

function abandonSession(port: number, path: string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () =>
      socket.write(Buffer.concat([Buffer.from(request), frameHello(path)])),
    );
    let seen = "";
    socket.on("data", (data) => {
      seen += data.toString("latin1");
      // The welcome, and where there is a subscription that it stands.
      if (!seen.includes('"windowMs"') || (path !== undefined && !seen.includes("[22,1]"))) return;
      // A reset leaves no port waiting; a goodbye would end the session.
      socket.resetAndDestroy();
      resolve();
    });
    socket.once("error", reject);
    socket.once("end", () => reject(new Error(`refused: ${seen}`)));
  });
}

function frameHello(path: string | undefined): Buffer {
  const token = crypto.randomUUID();
  const call = path === undefined ? [] : [[12, 1, path, {}]];
  const text = Buffer.from(JSON.stringify([[0, 1, { token }], ...call]));
  if (text.length > 125) throw new Error("too long for a short frame");
  // A client's frames are masked; with zeros they stay what they are (RFC 6455, section 5.3).
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]);
}
