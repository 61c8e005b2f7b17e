import { defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";

const conditions = ["@tautline/source", ...defaultServerConditions];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "tests/**/*.test.ts"],
    typecheck: {
      enabled: true,
      include: ["packages/*/src/**/*.test-d.ts", "tests/**/*.test-d.ts"],
      tsconfig: "tsconfig.test-d.json",
    },
  },
});
