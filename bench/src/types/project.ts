/** A program to be compiled: its files by path. */
export type Project = Readonly<Record<string, string>>;

const groups = 25;
const proceduresPerGroup = 20;

/** How many procedures each project has. */
export const procedures: number = groups * proceduresPerGroup;

/** Schemas with Zod alone, and functions of their types: what there is before any library for calls. */
export function schemasAlone(): Project {
  return {
    ...perGroup(
      (group) => `server/r${group}.ts`,
      (group) => `import { z } from "zod";
${each((n) => `const i${n} = ${input(group, n)};\nconst o${n} = ${output(group, n)};`)}
export const r${group} = {
${each((n) => `p${n}: async (input: z.infer<typeof i${n}>): Promise<z.infer<typeof o${n}>> => (${answer(group, n)}),`)}
};`,
    ),
    "server/index.ts": record("r", "./r", "router = "),
    "client.ts": calls(
      `import type { router } from "./server/index.js";\ndeclare const client: typeof router;`,
      (call) => call,
    ),
  };
}

/** A tRPC router. @param client makes `client`, whose procedures have `query`, of the type `Router`. */
export function routerProject(client: string): Project {
  return {
    "server/base.ts": `import { initTRPC } from "@trpc/server";
const t = initTRPC.context<{ user: string }>().create();
export const { router, procedure } = t;`,
    ...perGroup(
      (group) => `server/r${group}.ts`,
      (group) => `import { z } from "zod";
import { procedure, router } from "./base.js";
export const r${group} = router({
${each((n) => `p${n}: procedure.input(${input(group, n)}).output(${output(group, n)}).query(({ input }) => (${answer(group, n)})),`)}
});`,
    ),
    "server/index.ts": `import { router } from "./base.js";\n${record("r", "./r", "appRouter = router(", ")")}
export type Router = typeof appRouter;`,
    "client.ts": calls(`import type { Router } from "./server/index.js";\n${client}`, (call) =>
      call.replace("(", ".query("),
    ),
  };
}

/** A contract, its implementation and its client, in one program. */
export function contractProject(): Project {
  return {
    ...perGroup(
      (group) => `api/r${group}.ts`,
      (group) => `import { query } from "@tautline/core";
import { z } from "zod";
export const r${group} = {
${each((n) => `p${n}: query({ input: ${input(group, n)}, output: ${output(group, n)} }),`)}
};`,
    ),
    "api/index.ts": `import { contract } from "@tautline/core";\n${record("r", "./r", "api = contract(", ")")}`,
    "server/base.ts": `import { rich } from "@tautline/core";
import { implement } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { api } from "../api/index.js";
const t = initTRPC.context<{ user: string }>().create({ transformer: rich });
export const { procedures, router } = implement(api, t);`,
    ...perGroup(
      (group) => `server/r${group}.ts`,
      (group) => `import { procedures } from "./base.js";
export const r${group} = {
${each((n) => `p${n}: procedures.r${group}.p${n}.query(({ input }) => (${answer(group, n)})),`)}
};`,
    ),
    "server/index.ts": `import { router } from "./base.js";\n${record("r", "./r", "appRouter = router(", ")")}`,
    "client.ts": calls(
      `import "./server/index.js";
import { createClient } from "@tautline/client";
import { rich } from "@tautline/core";
import { api } from "./api/index.js";
const client = createClient({ contract: api, url: "/", transformer: rich });`,
      (call) => call.replace("(", ".query("),
    ),
  };
}

/** The same with one mistake: a number is taken for a text. */
export function withMistake(project: Project): Project {
  return {
    ...project,
    "client.ts": (project["client.ts"] ?? "").replace("const total: number", "const total: string"),
  };
}

function input(group: number, n: number): string {
  return `z.object({ id: z.string(), n${group}_${n}: z.number().int(), tags: z.array(z.string()).optional(), kind: z.enum(["a${group}", "b${n}", "c"]) })`;
}

function output(group: number, n: number): string {
  return `z.object({ id: z.string(), total${group}_${n}: z.number(), items: z.array(z.object({ name: z.string(), at: z.date(), ok: z.boolean().nullable() })) })`;
}

function answer(group: number, n: number): string {
  return `{ id: input.id, total${group}_${n}: input.n${group}_${n} + (input.tags?.length ?? 0), items: [{ name: input.kind, at: new Date(), ok: null }] }`;
}

/** A program that calls every procedure, and uses what it gives. */
function calls(head: string, toCall: (call: string) => string): string {
  const lines = groupNumbers().flatMap((group) =>
    Array.from({ length: proceduresPerGroup }, (_, n) => {
      const call = toCall(`client.r${group}.p${n}({ id: "x", n${group}_${n}: ${n}, kind: "a${group}" })`);
      return `  {
    const answer = await ${call};
    const total: number = answer.total${group}_${n};
    const name: string | undefined = answer.items[0]?.name;
    void total, void name;
  }`;
    }),
  );
  return `${head}\nexport async function main(): Promise<void> {\n${lines.join("\n")}\n}\n`;
}

function perGroup(pathOf: (group: number) => string, textOf: (group: number) => string): Project {
  return Object.fromEntries(groupNumbers().map((group) => [pathOf(group), textOf(group)]));
}

function record(name: string, from: string, before: string, after = ""): string {
  const names = groupNumbers().map((group) => `${name}${group}`);
  const imports = names.map((imported, group) => `import { ${imported} } from "${from}${group}.js";`);
  return `${imports.join("\n")}\nexport const ${before}{ ${names.join(", ")} }${after};`;
}

function each(lineOf: (n: number) => string): string {
  return Array.from({ length: proceduresPerGroup }, (_, n) => lineOf(n)).join("\n");
}

function groupNumbers(): number[] {
  return Array.from({ length: groups }, (_, group) => group);
}
