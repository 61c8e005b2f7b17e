import { defineConfig } from "tsdown";

// Plain Node runs what is measured, with the packages as they are published: no transpiler is in the way.
export default defineConfig({
  entry: ["src/main.ts", "src/server-process.ts", "src/client-process.ts"],
  format: "esm",
  platform: "node",
  target: "node20",
  fixedExtension: false,
  hash: false,
  dts: false,
});
