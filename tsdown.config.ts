import { defineConfig, type UserConfig } from "tsdown";

const shared: UserConfig = {
  format: "esm",
  platform: "neutral",
  target: "es2022",
  fixedExtension: false,
  // One file per source file, so that a bundler can leave out what is not used.
  unbundle: true,
  sourcemap: true,
  inputOptions: { optimization: { inlineConst: { mode: "all", pass: 3 } } },
  dts: { oxc: true },
};

export default defineConfig([
  {
    ...shared,
    cwd: "packages/core",
    entry: { index: "src/index.ts", internals: "src/internals.ts", "testing/index": "src/testing/index.ts" },
    tsconfig: "tsconfig.src.json",
  },
  {
    ...shared,
    cwd: "packages/server",
    platform: "node",
    entry: { index: "src/index.ts", "testing/index": "src/testing/index.ts" },
  },
  {
    ...shared,
    cwd: "packages/redis",
    platform: "node",
    entry: { index: "src/index.ts" },
  },
  {
    ...shared,
    cwd: "packages/client",
    entry: {
      index: "src/index.ts",
      expose: "src/expose.ts",
      "expose-router": "src/expose-router.ts",
      link: "src/link.ts",
      "web-socket.node": "src/web-socket.node.ts",
      "web-socket.browser": "src/web-socket.browser.ts",
    },
    // Stays as it is in the output: the reader's runtime or bundler picks the WebSocket by package.json's "imports".
    deps: { neverBundle: ["#web-socket"] },
  },
  {
    ...shared,
    cwd: "packages/nats",
    platform: "node",
    entry: { index: "src/index.ts" },
  },
]);
