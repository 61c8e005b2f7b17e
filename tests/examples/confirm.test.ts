import { afterAll, beforeAll, expect, it } from "vitest";
import { Program } from "./program.ts";

let server: Program;
let url: string;

beforeAll(async () => {
  server = Program.run("confirm/server.ts", { env: { PORT: "0" } });
  [url] = await server.line(/^ws:\S+$/);
}, 30_000);

afterAll(async () => {
  expect(await server.stop()).toBe(0);
});

it("asks whoever called before anything is deleted", { timeout: 30_000 }, async () => {
  for (const [answer, deleted] of [
    ["no", 0],
    ["yes", 3],
  ] as const) {
    const client = Program.run("confirm/client.ts", { args: [answer, url] });
    expect(await client.ended()).toBe(0);
    expect(client.lines).toEqual([`Delete 3 files? ${answer}`, `${deleted} files were deleted`]);
    expect(client.errors).toBe("");
  }
});
