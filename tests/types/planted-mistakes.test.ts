import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

const here = import.meta.dirname;
const fixtures = ["contract-first", "router-first"];
const marker = /\/\/ mistake: /;

test.each(fixtures)("each mistake in %s is reported on its own line, and nothing else is", (fixture) => {
  const lines = readFileSync(sourceOf(pathOf(fixture)), "utf8").split("\n");
  const marked = lines.filter((line) => marker.test(line));
  expect(marked.length).toBeGreaterThanOrEqual(10);
  expect(errorsOf(fixture).map(({ line }) => lines[line])).toEqual(marked);
});

test("what JSON would lose is named in the message", () => {
  const messages = errorsOf("contract-first").map(({ message }) => message);
  expect(messages).toContainEqual(expect.stringContaining("JSON does not keep what these procedures send"));
});

const program = createProgram(fixtures.map(pathOf));

/** The errors of a fixture, one for each line that has any. */
function errorsOf(fixture: string): { line: number; message: string }[] {
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
function createProgram(paths: string[]): ts.Program {
  const options = { ...readOptions(), noUnusedLocals: false };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile } = host;
  const getSourceFile = host.getSourceFile.bind(host);
  host.fileExists = (path) => paths.includes(path) || fileExists(path);
  host.readFile = (path) => readFile(paths.includes(path) ? sourceOf(path) : path);
  host.getSourceFile = (path, ...rest) =>
    paths.includes(path)
      ? ts.createSourceFile(path, readFileSync(sourceOf(path), "utf8"), rest[0], true)
      : getSourceFile(path, ...rest);
  return ts.createProgram(paths, options, host);
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
