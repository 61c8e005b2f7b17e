/** What two packages say of their dependencies does not suit a workspace that holds two versions of tRPC and of TypeScript. */
function readPackage(manifest) {
  if (manifest.name === "@trpc/server" || manifest.name === "@trpc/client") {
    // Never imported, only required to be there. pnpm would take the 7.0 that the second type check uses.
    delete manifest.peerDependencies.typescript;
  }
  if (manifest.name === "@trpc/client" && manifest.version === "11.0.0") {
    // The oldest client needs the server of its own version; as a peer it would be given the newest.
    manifest.dependencies = { ...manifest.dependencies, "@trpc/server": manifest.peerDependencies["@trpc/server"] };
    delete manifest.peerDependencies["@trpc/server"];
  }
  return manifest;
}

module.exports = { hooks: { readPackage } };
