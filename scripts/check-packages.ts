/**
 * Packs the packages as `pnpm publish` would and checks the tarballs: their package.json with publint, how TypeScript
 * resolves their types with attw, that they carry what they should, and that a project
 * which has installed them compiles and runs. Needs `pnpm build` first.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkInstalled } from "./installed-project.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const tarballs = mkdtempSync(join(tmpdir(), "tautline-packages-"));

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { cwd: root, stdio: "inherit" });
}

/** Throws unless the tarball has the licence, the readme and the build, and none of the tests. */
function checkFiles(tarball: string): void {
  const files = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" }).trim().split("\n");
  for (const wanted of ["package/LICENSE", "package/README.md", "package/dist/index.js", "package/dist/index.d.ts"]) {
    if (!files.includes(wanted)) throw new Error(`${tarball} lacks ${wanted}`);
  }
  const tests = files.filter((file) => /[.]test(-d)?[.]/.test(file));
  if (tests.length > 0) throw new Error(`${tarball} carries tests: ${tests.join(", ")}`);
}

try {
  run("pnpm", "--recursive", "--filter", "./packages/*", "pack", "--pack-destination", tarballs);
  const names = readdirSync(tarballs);
  if (names.length !== readdirSync(join(root, "packages")).length) throw new Error(`Packed only ${names.join(", ")}`);
  for (const name of names) {
    const tarball = join(tarballs, name);
    checkFiles(tarball);
    run("publint", "--strict", tarball);
    run("attw", "--profile", "esm-only", tarball);
  }
  await checkInstalled(names.map((name) => join(tarballs, name)));
} finally {
  rmSync(tarballs, { recursive: true });
}
