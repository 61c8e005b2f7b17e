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
import { promisify } from "node:util";

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

async function hasErrors(tsconfig: string): Promise<boolean> {
  const run = promisify(execFile)(
    process.execPath,
    [join(compilerFolder, "bin/tsc"), "--pretty", "false", "-p", tsconfig],
    {
      cwd: root,
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  const output = await run.then(
    () => undefined,
    (error: { stdout?: string; stderr?: string }) => `${error.stdout ?? ""}${error.stderr ?? ""}` || String(error),
  );
  console.log(output === undefined ? `ok      ${tsconfig}` : `FAILED  ${tsconfig}\n${output}`);
  return output !== undefined;
}

const folders = [".", "tests", "bench", ...(await foldersIn("packages")), ...(await foldersIn("examples"))];
const waiting = (await Promise.all(folders.map(tsconfigsIn))).flat();
console.log(`TypeScript ${version}, ${waiting.length} programs`);

let failures = 0;
async function work(): Promise<void> {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    if (await hasErrors(next)) failures += 1;
  }
}
await Promise.all(Array.from({ length: availableParallelism() }, work));
process.exitCode = failures === 0 ? 0 : 1;
