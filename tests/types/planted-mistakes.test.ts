import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import { expect, test, vi } from "vitest";

// The compiler takes seconds for what it is asked first, and more on a machine that has other work.
vi.setConfig({ testTimeout: 120_000 });

const here = import.meta.dirname;
const fixtures = ["contract-first", "router-first"];
const marker = /\/\/ mistake: /;

const cases = fixtures.flatMap((fixture) => [
  { fixture, trpc: "newest" as const },
  { fixture, trpc: "oldest" as const },
]);

test.each(cases)(
  "each mistake in $fixture is reported on its line and nothing else is ($trpc tRPC)",
  ({ fixture, trpc }) => {
    const lines = readFileSync(sourceOf(pathOf(fixture)), "utf8").split("\n");
    const marked = lines.filter((line) => marker.test(line));
    expect(marked.length).toBeGreaterThanOrEqual(10);
    expect(errorsOf(programs[trpc], fixture).map(({ line }) => lines[line])).toEqual(marked);
  },
);

test("what JSON would lose is named in the message", () => {
  const messages = errorsOf(programs.newest, "contract-first").map(({ message }) => message);
  expect(messages).toContainEqual(expect.stringContaining("JSON does not keep what these procedures send"));
});

test("a misspelt option is named, and so is the one that was meant", () => {
  for (const fixture of fixtures) {
    const messages = errorsOf(programs.newest, fixture).map(({ message }) => message);
    expect(messages).toContainEqual(
      expect.stringMatching(/^Object .*'idleCloseMS'.*Did you mean to write 'idleCloseMs'/),
    );
  }
});

test("what is exported can be declared, as `declaration: true` has it", () => {
  const program = createProgram([pathOf("exported")], { declaration: true, noEmit: false });
  const file = program.getSourceFile(pathOf("exported"));
  expect(errorsOf(program, "exported")).toEqual([]);
  const problems = program.getDeclarationDiagnostics(file).map(({ messageText }) => messageText);
  expect(problems).toEqual([]);
});

test("the programs have the tRPC that they say", () => {
  const isOldest = (program: ts.Program): boolean =>
    program.getSourceFiles().some(({ fileName }) => fileName.includes("@trpc+server@11.0.0"));
  expect([isOldest(programs.newest), isOldest(programs.oldest)]).toEqual([false, true]);
});

const programs = {
  newest: createProgram(fixtures.map(pathOf), {}),
  oldest: createProgram(fixtures.map(pathOf), { paths: oldestTrpc() }),
};

/** The errors of a fixture, one for each line that has any. */
function errorsOf(program: ts.Program, fixture: string): { line: number; message: string }[] {
  const file = program.getSourceFile(pathOf(fixture));
  if (file === undefined) throw new Error(`${fixture} was not read`);
  const byLine = new Map<number, { line: number; message: string }>();
  const diagnostics = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
  for (const { start, messageText } of diagnostics) {
    const { line } = file.getLineAndCharacterOfPosition(start ?? 0);
    const message = ts.flattenDiagnosticMessageText(messageText, "\n");
    if (!byLine.has(line)) byLine.set(line, { line, message });
  }
  return [...byLine.values()].sort((a, b) => a.line - b.line);
}

/** A program of the fixtures with the options of the tests. Their sources end in `.txt`, so that nothing else reads them. */
function createProgram(paths: string[], version: ts.CompilerOptions): ts.Program {
  const options = { ...readOptions(), noUnusedLocals: false, ...version };
  const host = ts.createCompilerHost(options);
  const fileExists = host.fileExists.bind(host);
  const readFile = host.readFile.bind(host);
  const getSourceFile = host.getSourceFile.bind(host);
  host.fileExists = (path) => paths.includes(path) || fileExists(path);
  host.readFile = (path) => readFile(paths.includes(path) ? sourceOf(path) : path);
  host.getSourceFile = (path, ...rest) =>
    paths.includes(path)
      ? ts.createSourceFile(path, readFileSync(sourceOf(path), "utf8"), rest[0], true)
      : getSourceFile(path, ...rest);
  return ts.createProgram(paths, options, host);
}

/** Where `@trpc/server` and its parts are in the oldest version that the packages take. */
function oldestTrpc(): Record<string, string[]> {
  const dist = join(here, "../node_modules/trpc-server-oldest/dist");
  const parts = { "": "index", "/observable": "observable/index" };
  const core = "/unstable-core-do-not-import";
  const entries = Object.entries({ ...parts, [core]: core }).map(([part, file]) => [
    `@trpc/server${part}`,
    [join(dist, `${file}.d.ts`)],
  ]);
  return Object.fromEntries(entries) as Record<string, string[]>;
}

function readOptions(): ts.CompilerOptions {
  const path = join(here, "../tsconfig.json");
  const { config } = ts.readConfigFile(path, (file) => ts.sys.readFile(file)) as { config: unknown };
  return ts.parseJsonConfigFileContent(config, ts.sys, dirname(path)).options;
}

function pathOf(fixture: string): string {
  return join(here, `${fixture}.ts`);
}

function sourceOf(path: string): string {
  return `${path}.txt`;
}
