import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const quickstart = fileURLToPath(new URL("../examples/quickstart", import.meta.url));
const root = fileURLToPath(new URL("..", import.meta.url));
const files = ["api.ts", "server.ts", "client.ts"] as const;

/** As strict as TypeScript is, without the checks of other packages' declarations being left out. */
const compilerOptions = {
  target: "es2022",
  lib: ["ES2023"],
  types: ["node"],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  rewriteRelativeImportExtensions: true,
  outDir: "built",
};

const resolutions = [
  { module: "nodenext", moduleResolution: "nodenext" },
  { module: "esnext", moduleResolution: "bundler" },
];

/**
 * Installs tarballs with npm into a project that is nobody's workspace, builds README's quickstart there and runs it: what users get
 * is the build and its declarations, while the tests run the sources.
 *
 * @throws Error where it does not install, compile or say what it should.
 */
export async function checkInstalled(tarballs: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "tautline-installed-"));
  try {
    install(folder, tarballs);
    for (const name of files) cpSync(join(quickstart, name), join(folder, name));
    for (const resolution of resolutions) compile(folder, resolution);
    await converse(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function install(folder: string, tarballs: readonly string[]): void {
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const others = [
    versionOf(quickstart, "zod"),
    versionOf(quickstart, "@trpc/server"),
    versionOf(root, "typescript"),
    versionOf(root, "@types/node"),
  ];
  const options = ["--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"];
  execFileSync("npm", ["install", ...options, ...tarballs, ...others], { cwd: folder, stdio: "inherit" });
}

/** The version that the workspace has. */
function versionOf(folder: string, name: string): string {
  const { version } = JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"), "utf8")) as {
    version: string;
  };
  return `${name}@${version}`;
}

function compile(folder: string, resolution: object): void {
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions: { ...compilerOptions, ...resolution }, files }),
  );
  execFileSync(join(folder, "node_modules/.bin/tsc"), { cwd: folder, stdio: "inherit" });
}

/** Has a client send a message to the server, and waits until it has read it back. */
async function converse(folder: string): Promise<void> {
  const server = start(folder, ["built/server.js"], { PORT: "0" });
  try {
    const url = await lineOf(server, /^ws:/);
    const client = start(folder, ["built/client.js", "ada", url]);
    try {
      await lineOf(client, /ada: hello$/);
    } finally {
      client.kill("SIGKILL");
    }
  } finally {
    server.kill("SIGTERM");
    if (server.exitCode === null) await once(server, "exit");
  }
}

function start(folder: string, args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 60_000,
  });
}

/** The first such line that a process prints. @throws Error where it ends without one. */
async function lineOf({ stdout, spawnargs }: ChildProcess, pattern: RegExp): Promise<string> {
  if (stdout !== null) for await (const line of createInterface({ input: stdout })) if (pattern.test(line)) return line;
  throw new Error(`${spawnargs.join(" ")} has not printed ${pattern}`);
}
