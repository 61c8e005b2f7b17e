/** Kills a node, whichever is the next: `kill [url]`. */
import { createClient } from "@tautline/client";
import { rich } from "@tautline/core";
import { api } from "@tautline/example-chat/api";

const [url = "http://localhost:4848"] = process.argv.slice(2);
const connectionParams = { id: "kill", name: "kill" };
const client = createClient({ contract: api, url: `${url}/rpc`, transformer: rich, connectionParams });

for await (const name of client.demo.node.subscribe()) {
  await client.demo.kill.mutate();
  console.log(`${name} is killed`);
  break;
}
client.connection.close();
