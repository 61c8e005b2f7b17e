/**
 * Type checks the whole workspace, each tsconfig by itself, with the compiler that the first argument names:
 * `typescript`, which builds the packages, or `typescript7`. Ends with 1 if any tsconfig has an error.
 */
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Not programs of their own: the base of all, and the one that vitest checks. */
const skipped = ["tsconfig.base.json", "tsconfig.test-d.json"];

const compiler = process.argv[2] ?? "typescript";
const compilerFolder = dirname(createRequire(import.meta.url).resolve(`${compiler}/package.json`));
const { version } = JSON.parse(await readFile(join(compilerFolder, "package.json"), "utf8")) as { version: string };

async function tsconfigsIn(folder: string): Promise<string[]> {
  const names = await readdir(join(root, folder));
  return names
    .filter((name) => /^tsconfig.*[.]json$/.test(name) && !skipped.includes(name))
    .map((name) => join(folder, name));
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
}

/** What the compiler has against the program; nothing when it is sound. */
function compile(tsconfig: string): Promise<string | undefined> {
  const options = { cwd: root, maxBuffer: 64 * 1024 * 1024 };
  return new Promise((resolve) => {
    execFile(process.execPath, [join(compilerFolder, "bin/tsc"), "-p", tsconfig], options, (error, stdout, stderr) => {
      resolve(error ? `${stdout}${stderr}` || error.message : undefined);
    });
  });
}

const folders = [".", "tests", "bench", ...(await foldersIn("packages")), ...(await foldersIn("examples"))];
const waiting = (await Promise.all(folders.map(tsconfigsIn))).flat();
console.log(`TypeScript ${version}, ${waiting.length} programs`);

let failures = 0;
async function work(): Promise<void> {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const errors = await compile(next);
    console.log(errors === undefined ? `ok      ${next}` : `FAILED  ${next}\n${errors}`);
    if (errors !== undefined) failures += 1;
  }
}
await Promise.all(Array.from({ length: availableParallelism() }, work));
process.exitCode = failures === 0 ? 0 : 1;
