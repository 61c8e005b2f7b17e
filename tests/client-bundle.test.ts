import { fileURLToPath } from "node:url";
import { build, type Platform } from "esbuild";
import { expect, test } from "vitest";

/** Which files a bundle of everything that `specifier` exports is made of, and what it leaves to be imported. */
async function bundle(specifier: string, platform: Platform): Promise<{ files: string[]; imports: string[] }> {
  const { metafile } = await build({
    stdin: {
      contents: `export * from "${specifier}";`,
      resolveDir: fileURLToPath(new URL(".", import.meta.url)),
    },
    bundle: true,
    format: "esm",
    platform,
    conditions: ["@tautline/source"],
    external: ["@trpc/client", "@trpc/server"],
    metafile: true,
    write: false,
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map((entry) => entry.path));
  return { files: Object.keys(metafile.inputs), imports };
}

const ofWs = /node_modules\/ws\//;

test.each(["@tautline/client", "@tautline/client/link"])("a browser bundle of %s has no ws", async (specifier) => {
  const { files, imports } = await bundle(specifier, "browser");
  expect(files.filter((file) => ofWs.test(file))).toEqual([]);
  expect(files.filter((file) => file.endsWith("/web-socket.browser.ts"))).toHaveLength(1);
  expect(imports.filter((path) => !path.startsWith("@trpc/"))).toEqual([]);
});

test.each(["@tautline/client", "@tautline/client/link"])("a Node bundle of %s has ws", async (specifier) => {
  const { files } = await bundle(specifier, "node");
  expect(files.filter((file) => ofWs.test(file))).not.toEqual([]);
  expect(files.filter((file) => file.endsWith("/web-socket.node.ts"))).toHaveLength(1);
});
