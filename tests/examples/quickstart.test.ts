import { createClient } from "@tautline/client";
import { rich } from "@tautline/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { api } from "../../examples/quickstart/api.ts";
import { Program } from "./program.ts";

let server: Program;
let url: string;

beforeAll(async () => {
  server = Program.run("quickstart/server.ts", { env: { PORT: "0" } });
  [url] = await server.line(/^ws:\S+$/);
}, 30_000);

afterAll(async () => {
  expect(await server.stop()).toBe(0);
});

it("sends, reads the history and follows what others send", { timeout: 30_000 }, async () => {
  const ada = Program.run("quickstart/client.ts", { args: ["ada", url] });
  await ada.line(/ ada: hello$/);
  expect(ada.lines.slice(0, 2)).toEqual(["connecting", "online"]);

  // Nothing says when ada's subscription has begun, so grace goes on until she is heard.
  const grace = createClient({ contract: api, url, transformer: rich, connectionParams: () => ({ user: "grace" }) });
  const heard = ada.line(/ grace: are you there\?$/).then(() => true);
  let answered = false;
  while (!answered) {
    const sent = await grace.chat.send.mutate({ room: "lobby", text: "are you there?" });
    expect(sent).toMatchObject({ room: "lobby", from: "grace", at: expect.any(Date) as Date });
    answered = await Promise.race([heard, new Promise<false>((resolve) => setImmediate(resolve, false))]);
  }
  grace.connection.close();
  await ada.stop();
  expect(ada.errors).toBe("");
});

it("knows who has not said a name as guest", async () => {
  const client = createClient({ contract: api, url, transformer: rich });
  const { from } = await client.chat.send.mutate({ room: "elsewhere", text: "hello" });
  expect(from).toBe("guest");
  client.connection.close();
});
