import { defineConfig } from "tsdown";

// Plain Node runs what is measured, with the packages as they are published: no transpiler is in the way.
const programs = defineConfig({
  entry: [
    "src/main.ts",
    "src/server-process.ts",
    "src/client-process.ts",
    "src/session-cost.ts",
    "src/herd/main.ts",
    "src/herd/server.ts",
    "src/herd/client.ts",
    "src/parked/main.ts",
    "src/parked/server.ts",
    "src/controls/main.ts",
    "src/fanout/main.ts",
    "src/fanout/server.ts",
    "src/fanout/client.ts",
    "src/fanout/stalled.ts",
    "src/topics/idle.ts",
    "src/topics/keys.ts",
    "src/rich.ts",
    "src/mixed/main.ts",
    "src/mixed/server.ts",
    "src/mixed/client.ts",
    "src/stalled/main.ts",
    "src/stalled/server.ts",
    "src/stalled/client.ts",
    "src/types/main.ts",
  ],
  format: "esm",
  platform: "node",
  target: "node20",
  fixedExtension: false,
  hash: false,
  dts: false,
});

/** What a page loads: all in one. */
const pages = defineConfig({
  entry: { "stalled/page": "src/stalled/page.ts" },
  format: "esm",
  platform: "browser",
  target: "es2022",
  deps: { alwaysBundle: /./ },
  fixedExtension: false,
  hash: false,
  clean: false,
  dts: false,
});

export default [programs, pages];
