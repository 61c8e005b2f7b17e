import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import ts from "typescript";
import { describe, expect, test, vi } from "vitest";

// The compiler takes seconds for what it is asked first, and more on a machine that has other work.
vi.setConfig({ testTimeout: 120_000 });

const root = join(import.meta.dirname, "..");
const textOf = (document: string): string => readFileSync(join(root, document), "utf8");

/** A block of TypeScript; `file` where it shows one: then the line before it is a link that has the path for its text. */
interface Block {
  readonly document: string;
  readonly line: number;
  readonly code: string;
  readonly file: string | undefined;
}

const documents = ["README.md", "docs/GUIDE.md"];
const blocks = documents.flatMap((document) => {
  const text = textOf(document);
  return [...text.matchAll(/(?:^\[`([^`\n]+)`\]\((?:\.\.\/)?\1\)\n\n)?^```ts\n(.*?)^```$/gms)].map(
    ({ index, 1: file, 2: code = "" }): Block => ({
      document,
      line: text.slice(0, index).split("\n").length,
      code,
      file,
    }),
  );
});
const shown = blocks.filter(({ file }) => file !== undefined);
const others = blocks.filter(({ file }) => file === undefined);

describe("the code of README and guide", () => {
  test("is all read by these tests", () => {
    expect(blocks).toHaveLength(documents.flatMap((document) => textOf(document).match(/^```ts/gm) ?? []).length);
  });

  test("has the quickstart, the echo and the confirmation whole", () => {
    const quickstart = ["api", "server", "client"].map((name) => `examples/quickstart/${name}.ts`);
    const echo = ["server", "client"].map((name) => `examples/echo/${name}.ts`);
    const confirm = ["api", "server", "client"].map((name) => `examples/confirm/${name}.ts`);
    expect(shown.map(({ file }) => file)).toEqual([...quickstart, ...echo, ...confirm]);
  });

  test.each(shown)("is that of $file", ({ file = "", code }) => {
    expect(code).toBe(readFileSync(join(root, file), "utf8"));
  });

  test.each(others)("compiles: $document, line $line", (block) => {
    expect(errorsIn(pathOf(block))).toEqual([]);
  });

  test("is looked at by the compiler: a block with a mistake does not compile", () => {
    expect(errorsIn(pathOf("mistake"))).toEqual([expect.stringContaining("not assignable to type")]);
  });
});

describe("the tables", () => {
  test.each([
    ["docs/OPTIONS.md", "`serve(options)`", "ServeOptionName"],
    ["docs/OPTIONS.md", "`createHub(options)`", "HubOptionName"],
    ["docs/OPTIONS.md", "`hub.topic(name, schema, options)`", "TopicOptionName"],
    ["docs/OPTIONS.md", "`topic.subscribe(keys, options)`", "SubscribeOptionName"],
    ["docs/OPTIONS.md", "`createClient(options)`", "ClientOptionName"],
    ["docs/GUIDE.md", "Calls", "CallOptionName"],
    ["docs/GUIDE.md", "The server calls its clients", "ExposeOptionName"],
    ["packages/redis/README.md", "`redisBroker(server, options)`", "RedisBrokerOptionName"],
    ["packages/redis/README.md", "`redisIdempotencyStore(server, options)`", "RedisIdempotencyOptionName"],
    ["packages/nats/README.md", "`natsBroker(options)`", "NatsBrokerOptionName"],
    ["packages/nats/README.md", "`natsIdempotencyStore(options)`", "NatsIdempotencyOptionName"],
  ])("of %s have every option, and no other: %s", (document, heading, type) => {
    expect(codeInFirstColumn(document, heading).sort()).toEqual(namesIn(type).sort());
  });

  test("have every code that is this product's own, and none that does not exist", () => {
    const codes = codeInFirstColumn("docs/GUIDE.md", "Errors");
    const known = namesIn("Code");
    const own = known.filter((code) => !namesIn("TrpcCode").includes(code));
    expect(codes.filter((code) => !known.includes(code))).toEqual([]);
    expect(codes).toEqual(expect.arrayContaining(own));
  });
});

describe.each([...documents, "docs/OPTIONS.md", "ARCHITECTURE.md", "SECURITY.md"])("%s", (document) => {
  test("links to files and headings that exist", () => {
    const targets = [...textOf(document).matchAll(/\]\(((?!https?:)[^)]+)\)/g)].map(([, target = ""]) =>
      target.split("#"),
    );
    const isThere = ([path = "", heading]: string[]): boolean => {
      const file = path === "" ? document : join(dirname(document), path);
      if (!existsSync(join(root, file))) return false;
      return heading === undefined || anchorsOf(textOf(file)).includes(heading);
    };
    expect(targets.filter((target) => !isThere(target)).map((target) => target.join("#"))).toEqual([]);
    expect(targets.length).toBeGreaterThan(0);
  });
});

test("ARCHITECTURE.md names source files that exist", () => {
  const names = [...textOf("ARCHITECTURE.md").matchAll(/`([a-z.-]+[.]ts)`/g)].map(([, name = ""]) => name);
  const folders = ["core", "server", "client", "redis", "nats"].map((name) => join(root, "packages", name, "src"));
  expect(names.filter((name) => !folders.some((folder) => existsSync(join(folder, name))))).toEqual([]);
  expect(names.length).toBeGreaterThan(0);
});

/** What the documents' blocks find without importing it, and the names that its tables have to have. */
const globals = `
import type { RequestListener } from "node:http";
import type { ContractClient, ContractClientOptions, SubscriptionOptions } from "@tautline/client";
import type { ExposeOptions } from "@tautline/client/expose";
import type { ErrorCode, TrpcErrorCode } from "@tautline/core";
import type { NatsBrokerOptions, NatsIdempotencyOptions, NatsLinkOptions } from "@tautline/nats";
import type { RedisBrokerOptions, RedisConnectionOptions, RedisIdempotencyOptions } from "@tautline/redis";
import type { Hub, HubOptions, ServeOptions, SubscribeEventsOptions, TopicOptions } from "@tautline/server";
import { initTRPC, type AnyTRPCRouter } from "@trpc/server";
import { z } from "zod";
import type { api } from "./api.ts";

const t = initTRPC.context<{ user: string }>().create();
const plain = initTRPC.create();
const pages = plain.router({ title: plain.procedure.query(() => "title") });
const appRouter = t.router({ echo: t.procedure.input(z.string()).query(({ input }) => input) });

declare global {
  type AppRouter = typeof appRouter;
  const router: AppRouter;
  type PageRouter = typeof pages;
  const pageRouter: PageRouter;
  const client: ContractClient<typeof api>;
  const hub: Hub;
  function readTotal(key: string): Promise<{ lastEventId: string; total: number }>;
  function show(share: number): void;
  function newFile(): { id: string; path: string };
  function pathOf(id: string): string;
  const app: RequestListener;
  const key: string;
  const cert: string;
  const token: string;
  function createContext(): { user: string };
  function findUser(token: string | undefined): Promise<{ name: string } | undefined>;
  function readLog(from: {
    after: string | null | undefined;
    signal: AbortSignal | undefined;
  }): AsyncIterable<{ id: string; text: string }>;
}

export type ServeOptionName = keyof ServeOptions<AnyTRPCRouter>;
export type HubOptionName = keyof HubOptions;
export type TopicOptionName = keyof TopicOptions;
export type SubscribeOptionName = keyof SubscribeEventsOptions;
export type ClientOptionName = keyof ContractClientOptions<typeof api>;
export type ExposeOptionName = keyof ExposeOptions;
export type CallOptionName = keyof SubscriptionOptions;
export type RedisBrokerOptionName = keyof RedisBrokerOptions;
export type RedisIdempotencyOptionName = Exclude<keyof RedisIdempotencyOptions, keyof RedisConnectionOptions>;
export type NatsBrokerOptionName = keyof NatsBrokerOptions;
export type NatsIdempotencyOptionName = Exclude<keyof NatsIdempotencyOptions, keyof NatsLinkOptions>;
export type Code = ErrorCode;
export type TrpcCode = TrpcErrorCode;
`;

const sources = new Map([
  [pathOf("globals"), globals],
  [pathOf("mistake"), "await client.chat.send.mutate({ room: 1 });"],
  ...others.map((block) => [pathOf(block), block.code] as const),
]);
const program = createProgram();

function errorsIn(path: string): string[] {
  const file = program.getSourceFile(path);
  if (file === undefined) throw new Error(`${path} was not read`);
  const diagnostics = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
  return diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

/** The strings that a type of `globals` consists of. */
function namesIn(type: string): string[] {
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(pathOf("globals"));
  const module = file && checker.getSymbolAtLocation(file);
  const symbol = module && checker.getExportsOfModule(module).find(({ name }) => name === type);
  if (symbol === undefined) throw new Error(`no type ${type}`);
  const declared = checker.getDeclaredTypeOfSymbol(symbol);
  return (declared.isUnion() ? declared.types : [declared]).flatMap((part) =>
    part.isStringLiteral() ? [part.value] : [],
  );
}

/** What stands in the first column of the table under a heading, as code. */
function codeInFirstColumn(document: string, heading: string): string[] {
  const [, rest = ""] = textOf(document).split(new RegExp(`^#+ ${heading.replace(/[().]/g, "\\$&")}$`, "m"));
  const [section = ""] = rest.split(/^#/m);
  return [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, name = ""]) => name);
}

/** The headings of a document as links name them, in GitHub's way. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** A program of the blocks. They are nowhere: each is taken for a module of the tests, beside those of the quickstart. */
function createProgram(): ts.Program {
  const path = join(root, "tests/tsconfig.json");
  const { config } = ts.readConfigFile(path, (file) => ts.sys.readFile(file)) as { config: unknown };
  const options: ts.CompilerOptions = {
    ...ts.parseJsonConfigFileContent(config, ts.sys, dirname(path)).options,
    noUnusedLocals: false,
    rootDirs: [import.meta.dirname, join(root, "examples/quickstart")],
  };
  const host = ts.createCompilerHost(options);
  const fileExists = host.fileExists.bind(host);
  const readFile = host.readFile.bind(host);
  const getSourceFile = host.getSourceFile.bind(host);
  host.fileExists = (file) => sources.has(file) || fileExists(file);
  host.readFile = (file) => sources.get(file) ?? readFile(file);
  host.getSourceFile = (file, ...rest) => {
    const source = sources.get(file);
    return source === undefined ? getSourceFile(file, ...rest) : ts.createSourceFile(file, source, rest[0], true);
  };
  return ts.createProgram([...sources.keys()], options, host);
}

function pathOf(block: string | Block): string {
  const name = typeof block === "string" ? block : `${basename(block.document, ".md")}-${block.line}`;
  return join(import.meta.dirname, `document-block-${name}.ts`);
}
