import { fileURLToPath } from "node:url";
import { defaultServerConditions, type Plugin } from "vite";
import { defineConfig } from "vitest/config";

// The workspace's own packages resolve to their sources: tests need no build.
const conditions = ["@tautline/source", ...defaultServerConditions];

/** Gives every import of @trpc/server and @trpc/client, the packages' own too, the oldest version that they support. */
function oldestTrpc(): Plugin {
  const fromTests = fileURLToPath(new URL("tests/package.json", import.meta.url));
  return {
    name: "oldest-trpc",
    enforce: "pre",
    resolveId(source) {
      const trpc = /^@trpc\/(server|client)(\/.*)?$/.exec(source);
      return trpc ? this.resolve(`trpc-${trpc[1]}-oldest${trpc[2] ?? ""}`, fromTests, { skipSelf: true }) : undefined;
    },
  };
}

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    // .ci/run reads the counts from the file.
    reporters: process.env["CI"] ? ["default", "json"] : ["default"],
    outputFile: { json: ".reports/vitest.json" },
    // A bound, not a measure: machines that run the tests are slow and shared.
    testTimeout: 40_000,
    hookTimeout: 40_000,
    projects: [
      {
        extends: true,
        test: {
          name: "workspace",
          include: ["packages/*/src/**/*.test.ts", "tests/**/*.test.ts", "examples/**/*.test.ts"],
          typecheck: {
            enabled: true,
            include: ["packages/*/src/**/*.test-d.ts", "tests/**/*.test-d.ts"],
            tsconfig: "tsconfig.test-d.json",
          },
        },
      },
      {
        // What is named `*.trpc.test.ts` runs a second time, with the oldest tRPC.
        extends: true,
        plugins: [oldestTrpc()],
        test: { name: "oldest-trpc", include: ["tests/**/*.trpc.test.ts"], env: { TAUTLINE_TRPC: "oldest" } },
      },
    ],
  },
});
