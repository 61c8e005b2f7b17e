import clientManifest from "@trpc/client/package.json" with { type: "json" };
import serverManifest from "@trpc/server/package.json" with { type: "json" };
import { expect, test } from "vitest";

/** The oldest that the packages declare; vitest.config.ts runs this file with it and with the newest. */
const oldest = "11.0.0";

test("this run uses the tRPC that it is for", () => {
  expect(serverManifest.version === oldest).toBe(process.env["TAUTLINE_TRPC"] === "oldest");
  expect(clientManifest.version).toBe(serverManifest.version);
});
