import { createClient } from "@tautline/client";
import type { Router } from "./server.ts";

const [text = "hello", url = "ws://localhost:3000"] = process.argv.slice(2);
const client = createClient<Router>({ url });
console.log(await client.echo.query(text));
client.connection.close();
