import { readdir, stat } from "node:fs/promises";
import type { RequestListener, ServerResponse } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sirv from "sirv";

/** What every page is built from besides its own files: this package, and those of the workspace, read as sources. */
const shared = ["page", "../packages/core/src", "../packages/client/src"];

/**
 * A page of an example, built first where that has not been done since its sources changed.
 *
 * @param folder the example's.
 * @param sources what its page is built from, besides `index.html` and `package.json`.
 */
export async function createSite(folder: URL, sources: readonly string[]): Promise<RequestListener> {
  const root = fileURLToPath(folder);
  const dist = join(root, "dist");
  const own = ["index.html", "package.json", ...sources].map((source) => join(root, source));
  if (await isStale(dist, [...own, ...shared.map((source) => join(root, "..", source))])) await buildPage(root);
  const files = sirv(dist, {
    etag: true,
    setHeaders: (res, path) => res.setHeader("Cache-Control", cacheControl(path)),
  });
  return (req, res) => files(req, res, () => answerNotFound(res));
}

async function buildPage(root: string): Promise<void> {
  // Loaded where it is needed: it takes longer than all the rest.
  const { build, defaultClientConditions } = await import("vite");
  await build({
    root,
    configFile: false,
    logLevel: "error",
    // The workspace's own packages are read as sources, so they need no build of their own.
    resolve: { conditions: ["@tautline/source", ...defaultClientConditions] },
    build: { target: "es2023", cssTarget: "chrome123", modulePreload: { polyfill: false } },
  });
}

function answerNotFound(res: ServerResponse): void {
  res.writeHead(404, { "Content-Type": "text/plain" }).end("There is nothing here.\n");
}

/** Vite puts a hash of the content into the names below assets/. */
function cacheControl(path: string): string {
  return path.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache";
}

async function isStale(dist: string, sources: readonly string[]): Promise<boolean> {
  const built = await newest(join(dist, "index.html"));
  const changed = await Promise.all(sources.map(newest));
  return Math.max(...changed) > built;
}

/** When a file, or the newest file in a folder, was last changed, in milliseconds; 0 where there is none. */
async function newest(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return 0;
  if (!found.isDirectory()) return found.mtimeMs;
  const times = await Promise.all((await readdir(path)).map((name) => newest(join(path, name))));
  return Math.max(found.mtimeMs, ...times);
}
