import { execFile } from "node:child_process";
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, expect, test } from "vitest";
import { z } from "zod";

const root = fileURLToPath(new URL("..", import.meta.url));
const dependencyCruiser = join(root, "node_modules/dependency-cruiser/bin/dependency-cruise.mjs");
const rules = join(root, ".dependency-cruiser.cjs");

const Report = z.object({
  summary: z.object({
    totalCruised: z.number(),
    violations: z.array(z.object({ from: z.string(), rule: z.object({ name: z.string() }) })),
  }),
});

/** What the import rules say of the tree in `folder`, as `rule: file`, sorted. */
async function violations(folder: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [dependencyCruiser, "--config", rules, "--output-type", "json", "packages"],
    { cwd: folder, maxBuffer: 64 * 1024 * 1024 },
  );
  const { summary } = Report.parse(JSON.parse(stdout));
  expect(summary.totalCruised).toBeGreaterThan(0);
  return summary.violations.map(({ from, rule }) => `${rule.name}: ${from}`).sort();
}

const temporary: string[] = [];
afterEach(async () => {
  for (const folder of temporary.splice(0)) await rm(folder, { recursive: true });
});

async function createTree(files: Record<string, string>): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "tautline-imports-")));
  temporary.push(folder);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  await mkdir(join(folder, "node_modules/@tautline"), { recursive: true });
  for (const name of ["core", "server", "client", "redis", "nats"]) {
    await symlink(join(folder, "packages", name), join(folder, "node_modules/@tautline", name));
  }
  return folder;
}

const manifest = (name: string): string =>
  JSON.stringify({ name, type: "module", exports: { ".": { "@tautline/source": "./src/index.ts" } } });

const soundTree = {
  "node_modules/ws/package.json": JSON.stringify({ name: "ws", main: "index.js" }),
  "node_modules/ws/index.js": "",
  "node_modules/@standard-schema/spec/package.json": JSON.stringify({
    name: "@standard-schema/spec",
    main: "index.js",
  }),
  "node_modules/@standard-schema/spec/index.js": "",
  "node_modules/ioredis/package.json": JSON.stringify({ name: "ioredis", main: "index.js" }),
  "node_modules/ioredis/index.js": "",
  "node_modules/@nats-io/transport-node/package.json": JSON.stringify({
    name: "@nats-io/transport-node",
    main: "index.js",
  }),
  "node_modules/@nats-io/transport-node/index.js": "",
  "packages/core/package.json": manifest("@tautline/core"),
  "packages/core/src/protocol.ts": "export {};",
  "packages/core/src/codec.ts": 'import "./protocol.ts";',
  "packages/core/src/session.ts": 'import "./codec.ts";',
  "packages/core/src/peer.ts": 'import "./session.ts";',
  "packages/core/src/caller.ts": 'import "./peer.ts";',
  "packages/core/src/index.ts": 'import "./caller.ts"; import "@standard-schema/spec";',
  "packages/server/package.json": manifest("@tautline/server"),
  "packages/server/src/index.ts": 'import "./web-socket.ts";',
  "packages/server/src/web-socket.ts": 'import "ws"; import "node:http"; import "@tautline/core";',
  "packages/client/package.json": manifest("@tautline/client"),
  "packages/client/src/index.ts": 'import "@tautline/core"; import "./web-socket.node.ts";',
  "packages/client/src/web-socket.node.ts": 'import "ws";',
  "packages/redis/package.json": manifest("@tautline/redis"),
  "packages/redis/src/index.ts": 'import "@tautline/server"; import "@tautline/core"; import "./redis-connection.ts";',
  "packages/redis/src/redis-connection.ts": 'import "ioredis"; import "./options.ts";',
  "packages/redis/src/options.ts": 'import type {} from "ioredis";',
  "packages/nats/package.json": manifest("@tautline/nats"),
  "packages/nats/src/index.ts": 'import "@tautline/server"; import "@tautline/core"; import "@nats-io/transport-node";',
};

test("the packages keep the import rules", { timeout: 30_000 }, async () => {
  expect(await violations(root)).toEqual([]);
});

test("a tree that keeps the import rules is not reported", { timeout: 30_000 }, async () => {
  expect(await violations(await createTree(soundTree))).toEqual([]);
});

test("every broken import rule is reported, on the file that breaks it", { timeout: 30_000 }, async () => {
  const brokenTree = {
    ...soundTree,
    "packages/core/src/left.ts": 'import "./right.ts";',
    "packages/core/src/right.ts": 'import type {} from "./left.ts";',
    "packages/core/src/lost.ts": 'import "./nowhere.ts";',
    "packages/core/src/host.ts": 'import "node:crypto";',
    "packages/core/src/socket.ts": 'import "ws";',
    "packages/core/src/upward.ts": 'import "@tautline/server";',
    "packages/core/src/shortcut.ts": 'import "../../client/src/web-socket.node.ts";',
    "packages/core/src/borrowed.ts": 'import "./fixture.test.ts";',
    "packages/core/src/fixture.test.ts": 'import "node:fs";',
    "packages/server/testing/borrowed.ts": 'import "../../../tests/fixture/borrowed.ts";',
    "tests/fixture/borrowed.ts": "export {};",
    "packages/server/src/across.ts": 'import "@tautline/client";',
    "packages/server/src/second-socket.ts": 'import type {} from "ws";',
    "packages/client/src/across.ts": 'import type {} from "@tautline/server";',
    "packages/client/src/second-socket.ts": 'import "ws";',
    "packages/server/src/broker.ts": 'import "@tautline/redis";',
    "packages/redis/src/across.ts": 'import type {} from "@tautline/client";',
    "packages/nats/src/across.ts": 'import type {} from "@tautline/client";',
    "packages/server/src/nats.ts": 'import type {} from "@tautline/nats";',
    "packages/redis/src/nats.ts": 'import "@nats-io/transport-node";',
    "packages/redis/src/second-connection.ts": 'import "ioredis";',
  };
  expect(await violations(await createTree(brokenTree))).toEqual([
    "client-does-not-import-server: packages/client/src/across.ts",
    "core-imports-only-standard-schema: packages/core/src/host.ts",
    "core-imports-only-standard-schema: packages/core/src/lost.ts",
    "core-imports-only-standard-schema: packages/core/src/shortcut.ts",
    "core-imports-only-standard-schema: packages/core/src/socket.ts",
    "core-imports-only-standard-schema: packages/core/src/upward.ts",
    "nats-does-not-import-client: packages/nats/src/across.ts",
    "no-cycles: packages/core/src/left.ts",
    "nothing-imports-nats: packages/redis/src/nats.ts",
    "nothing-imports-nats: packages/server/src/nats.ts",
    "nothing-imports-redis: packages/server/src/broker.ts",
    "nothing-unresolvable: packages/core/src/lost.ts",
    "one-client-file-imports-ws: packages/client/src/second-socket.ts",
    "one-redis-file-imports-ioredis: packages/redis/src/second-connection.ts",
    "one-server-file-imports-ws: packages/server/src/second-socket.ts",
    "packages-import-each-other-by-name: packages/core/src/shortcut.ts",
    "redis-does-not-import-client: packages/redis/src/across.ts",
    "server-does-not-import-client: packages/server/src/across.ts",
    "sources-do-not-import-tests: packages/core/src/borrowed.ts",
    "sources-do-not-import-tests: packages/server/testing/borrowed.ts",
  ]);
});

test("in core no layer reaches a higher one, not even through another file", { timeout: 30_000 }, async () => {
  const upwardTree = {
    ...soundTree,
    "packages/core/src/protocol.ts": 'import "./above-protocol.ts";',
    "packages/core/src/above-protocol.ts": 'import "./codec.ts";',
    "packages/core/src/codec.ts": 'import "./above-codec.ts";',
    "packages/core/src/above-codec.ts": 'import "./session.ts";',
    "packages/core/src/session.ts": 'import "./above-session.ts";',
    "packages/core/src/above-session.ts": 'import "./peer.ts";',
    "packages/core/src/peer.ts": 'import "./above-peer.ts";',
    "packages/core/src/above-peer.ts": 'import "./caller.ts";',
    "packages/core/src/caller.ts": "export {};",
  };
  expect(await violations(await createTree(upwardTree))).toEqual([
    "core-codec-is-below-session-and-peer-and-caller: packages/core/src/codec.ts",
    "core-codec-is-below-session-and-peer-and-caller: packages/core/src/codec.ts",
    "core-codec-is-below-session-and-peer-and-caller: packages/core/src/codec.ts",
    "core-peer-is-below-caller: packages/core/src/peer.ts",
    "core-protocol-is-below-codec-and-session-and-peer-and-caller: packages/core/src/protocol.ts",
    "core-protocol-is-below-codec-and-session-and-peer-and-caller: packages/core/src/protocol.ts",
    "core-protocol-is-below-codec-and-session-and-peer-and-caller: packages/core/src/protocol.ts",
    "core-protocol-is-below-codec-and-session-and-peer-and-caller: packages/core/src/protocol.ts",
    "core-session-is-below-peer-and-caller: packages/core/src/session.ts",
    "core-session-is-below-peer-and-caller: packages/core/src/session.ts",
  ]);
});
