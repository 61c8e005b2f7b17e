import { createClient } from "@tautline/client";
import { rich } from "@tautline/core";
import { api, type Message } from "./api.ts";

const [user = "ada", url = "ws://localhost:3000"] = process.argv.slice(2);
const client = createClient({ contract: api, url, transformer: rich, connectionParams: () => ({ user }) });
client.connection.subscribe(({ status }) => console.log(status));

await client.chat.send.mutate({ room: "lobby", text: "hello" });
for (const message of await client.chat.history.query({ room: "lobby" })) print(message);
for await (const message of client.chat.messages.subscribe({ room: "lobby" })) print(message);

function print({ at, from, text }: Message): void {
  console.log(`${at.toLocaleTimeString()} ${from}: ${text}`);
}
