// What types cost: programs of 500 procedures, each with a client that calls all of them, and how much the compiler does for them.
import { execFile } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { contractProject, type Project, procedures, routerProject, schemasAlone, withMistake } from "./project.ts";

const assert = process.argv.includes("--assert");
/** Of what the compiler instantiates for tRPC's router and client. */
const atMost: Readonly<Record<string, number>> = { "tautline-contract": 0.6, "tautline-router": 1.01 };

const trpcClient = `import { createTRPCClient, createWSClient, wsLink } from "@trpc/client";
const client = createTRPCClient<Router>({ links: [wsLink({ client: createWSClient({ url: "ws://x" }) })] });`;
const tautlineClient = `import { createClient } from "@tautline/client";
const client = createClient<Router>({ url: "/" });`;
const projects: Readonly<Record<string, Project>> = {
  "schemas alone": schemasAlone(),
  trpc: routerProject(trpcClient),
  "tautline-router": routerProject(tautlineClient),
  "tautline-contract": contractProject(),
};

const folder = fileURLToPath(new URL("projects", import.meta.url));
const compiler = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
const tsconfig = {
  compilerOptions: {
    strict: true,
    target: "ES2022",
    lib: ["ES2023", "DOM", "DOM.Iterable", "DOM.AsyncIterable", "ESNext.Disposable"],
    module: "NodeNext",
    skipLibCheck: true,
    noEmit: true,
    types: ["node"],
  },
  files: ["client.ts"],
};

async function write(name: string, project: Project): Promise<string> {
  const root = join(folder, name.replaceAll(" ", "-"));
  const files = { ...project, "package.json": '{ "type": "module" }', "tsconfig.json": JSON.stringify(tsconfig) };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

function compile(root: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, [compiler, "-p", root, "--extendedDiagnostics"], (_error, stdout) => resolve(stdout));
  });
}

function figure(report: string, name: string): number {
  return Number.parseFloat(new RegExp(`^${name}:\\s*([\\d.]+)`, "m").exec(report)?.[1] ?? "");
}

function countErrors(report: string): number {
  return report.match(/error TS/g)?.length ?? 0;
}

await rm(folder, { recursive: true, force: true });
let good = true;
const instantiations = new Map<string, number>();
console.log(`${procedures} procedures`.padEnd(20), "instantiations   × trpc   check time");
for (const [name, project] of Object.entries(projects)) {
  const report = await compile(await write(name, project));
  const mistaken = await compile(await write(`${name} with a mistake`, withMistake(project)));
  const [errors, found] = [countErrors(report), countErrors(mistaken)];
  if (errors !== 0 || found !== 1) throw new Error(`${name}: ${errors} errors, and the mistake is ${found}\n${report}`);
  const count = figure(report, "Instantiations");
  instantiations.set(name, count);
  const ratio = count / (instantiations.get("trpc") ?? Number.NaN);
  const most = atMost[name];
  const holds = most === undefined || ratio <= most;
  good &&= holds;
  const verdict = most === undefined ? "" : `   at most ${most}×: ${holds ? "holds" : "MISSED"}`;
  const shown = Number.isNaN(ratio) ? "" : ratio.toFixed(2);
  const time = `${figure(report, "Check time").toFixed(1)} s`;
  console.log(`${name.padEnd(20)} ${String(count).padStart(14)} ${shown.padStart(8)} ${time.padStart(12)}${verdict}`);
}
process.exitCode = assert && !good ? 1 : 0;
