import { afterAll, beforeAll, expect, it } from "vitest";
import { Program } from "./program.ts";

let server: Program;
let url: string;

beforeAll(async () => {
  server = Program.run("echo/server.ts", { env: { PORT: "0" } });
  [url] = await server.line(/^ws:\S+$/);
}, 30_000);

afterAll(async () => {
  expect(await server.stop()).toBe(0);
});

it("sends a message back to the client it came from, and the client ends", { timeout: 30_000 }, async () => {
  const texts = ["hello", "grüße 👋"];
  const clients = texts.map((text) => Program.run("echo/client.ts", { args: [text, url] }));
  expect(await Promise.all(clients.map((client) => client.ended()))).toEqual([0, 0]);
  expect(clients.map(({ lines }) => lines)).toEqual([["hello"], ["grüße 👋"]]);
  expect(clients.map(({ errors }) => errors)).toEqual(["", ""]);
});
