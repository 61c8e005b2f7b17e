/**
 * @trpc/client 11.0.0 is installed beside the newest one, to test against it. Its peer, @trpc/server of the same version,
 * has to come with it: pnpm would give it the newest server, which its package.json does not allow.
 */
function readPackage(manifest) {
  if (manifest.name === "@trpc/client" && manifest.version === "11.0.0") {
    manifest.dependencies = { ...manifest.dependencies, "@trpc/server": manifest.peerDependencies["@trpc/server"] };
    delete manifest.peerDependencies["@trpc/server"];
  }
  return manifest;
}

module.exports = { hooks: { readPackage } };
