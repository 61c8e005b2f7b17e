import { defaultClientConditions, defineConfig, type UserConfig } from "vite";

const config: UserConfig = defineConfig({
  // The workspace's own packages are read as sources, so they need no build of their own.
  resolve: { conditions: ["@tautline/source", ...defaultClientConditions] },
  build: { target: "es2023", cssTarget: "chrome123", modulePreload: { polyfill: false } },
});

export default config;
