/**
 * The direction of imports, as ARCHITECTURE.md states it.
 * tests/imports.test.ts breaks each rule on purpose and expects it to be reported.
 */

const notTests = "[.]test(-d)?[.]ts$";

/** Lower parts of core first; no part imports one that comes after it. */
const coreLayers = ["protocol", "codec", "session", "peer", "caller"];

const layerRules = coreLayers.slice(0, -1).map((layer, index) => ({
  name: `core-${layer}-is-below-${coreLayers.slice(index + 1).join("-and-")}`,
  severity: "error",
  from: { path: `^packages/core/src/${layer}[.]ts$` },
  to: { path: `^packages/core/src/(${coreLayers.slice(index + 1).join("|")})[.]ts$`, reachable: true },
}));

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: "no-cycles",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "nothing-unresolvable",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: "core-imports-only-standard-schema",
      comment: "No Node, no ws, no server, no client: core is pure. Its tests may import what they need.",
      severity: "error",
      from: { path: "^packages/core/src/", pathNot: notTests },
      to: { pathNot: ["^packages/core/src/", "node_modules/@standard-schema/spec/"] },
    },
    {
      name: "server-does-not-import-client",
      severity: "error",
      from: { path: "^packages/server/" },
      to: { path: "^packages/client/" },
    },
    {
      name: "client-does-not-import-server",
      severity: "error",
      from: { path: "^packages/client/" },
      to: { path: "^packages/server/" },
    },
    {
      name: "redis-does-not-import-client",
      severity: "error",
      from: { path: "^packages/redis/" },
      to: { path: "^packages/client/" },
    },
    {
      name: "nothing-imports-redis",
      comment: "Who needs it hands it in.",
      severity: "error",
      from: { path: "^packages/", pathNot: "^packages/redis/" },
      to: { path: ["^packages/redis/", "node_modules/ioredis/"] },
    },
    {
      name: "nats-does-not-import-client",
      severity: "error",
      from: { path: "^packages/nats/" },
      to: { path: "^packages/client/" },
    },
    {
      name: "nothing-imports-nats",
      comment: "Who needs it hands it in.",
      severity: "error",
      from: { path: "^packages/", pathNot: "^packages/nats/" },
      to: { path: ["^packages/nats/", "node_modules/@nats-io/"] },
    },
    {
      name: "packages-import-each-other-by-name",
      comment: "Through the other package's exports, never by a path into its folder.",
      severity: "error",
      from: { path: "^(packages|examples)/([^/]+)/" },
      to: { path: "^(packages|examples)/", pathNot: "^$1/$2/", dependencyTypes: ["local"] },
    },
    {
      name: "one-server-file-imports-ws",
      severity: "error",
      from: { path: "^packages/server/src/", pathNot: ["^packages/server/src/web-socket[.]ts$", notTests] },
      to: { path: "node_modules/ws/" },
    },
    {
      name: "one-client-file-imports-ws",
      severity: "error",
      from: { path: "^packages/client/src/", pathNot: ["^packages/client/src/web-socket[.]node[.]ts$", notTests] },
      to: { path: "node_modules/ws/" },
    },
    {
      name: "one-redis-file-imports-ioredis",
      comment: "And one names the type of its options.",
      severity: "error",
      from: {
        path: "^packages/redis/src/",
        pathNot: ["^packages/redis/src/(redis-connection|options)[.]ts$", notTests],
      },
      to: { path: "node_modules/ioredis/" },
    },
    {
      name: "sources-do-not-import-tests",
      comment: "Nor does what is made for tests, in a package's testing folder.",
      severity: "error",
      from: { path: "^packages/", pathNot: notTests },
      to: { path: [notTests, "^tests/"] },
    },
    ...layerRules,
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "/dist/" },
    // Type imports count: a cycle of types is a cycle to whoever reads the code.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["@tautline/source", "types", "node", "import", "default"],
      extensions: [".ts", ".js", ".json"],
    },
  },
};
