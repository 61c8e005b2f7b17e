import { mkdir, readFile, rm } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";
import type { PlantedBug } from "./planted-bug.ts";
import type * as tally from "./tally.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = fileURLToPath(new URL("../node_modules/.cache/sim/", import.meta.url));

/** The simulation, built from sources with a bug planted in them. */
export type PlantedSimulation = typeof tally;

/** Builds the simulation with a bug in the product's sources. @throws Error where the sources have changed and it cannot be planted. */
export async function plant(bug: PlantedBug): Promise<PlantedSimulation> {
  await mkdir(folder, { recursive: true });
  const outfile = `${folder}${bug.name.replace(/[^a-z0-9]+/g, "-")}-${process.pid}.mjs`;
  await build({
    entryPoints: [fileURLToPath(new URL("tally.ts", import.meta.url))],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["@tautline/source", "node"],
    external: ["ws", "zod", "@trpc/server"],
    logLevel: "silent",
    plugins: [edit(bug)],
  });
  try {
    return (await import(pathToFileURL(outfile).href)) as PlantedSimulation;
  } finally {
    await rm(outfile);
  }
}

function edit({ edits }: PlantedBug): Plugin {
  return {
    name: "planted-bug",
    setup(bundle) {
      bundle.onLoad({ filter: /packages\/[a-z]+\/src\/[^/]+[.]ts$/ }, async ({ path }) => {
        const own = edits.filter(({ file }) => path === root + file);
        if (own.length === 0) return undefined;
        let contents = await readFile(path, "utf8");
        for (const { file, from, to } of own) {
          const parts = contents.split(from);
          if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${from}`);
          contents = parts.join(to);
        }
        return { contents, loader: "ts" };
      });
    },
  };
}
