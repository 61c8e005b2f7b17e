import { readdir, stat } from "node:fs/promises";
import type { RequestListener, ServerResponse } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sirv from "sirv";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");

/** What the page is built from: its own files, and the packages where they are read as sources. */
const sources = [
  "index.html",
  "vite.config.ts",
  "package.json",
  "api.ts",
  "limits.ts",
  "browser",
  "public",
  "../../packages/core/src",
  "../../packages/client/src",
];

/** The chat's page, built first where that has not been done since its sources changed. */
export async function createSite(): Promise<RequestListener> {
  if (await isStale()) await buildPage();
  const files = sirv(dist, {
    etag: true,
    setHeaders: (res, path) => res.setHeader("Cache-Control", cacheControl(path)),
  });
  return (req, res) => files(req, res, () => answerNotFound(res));
}

async function buildPage(): Promise<void> {
  // Loaded where it is needed: it takes longer than all the rest.
  const { build } = await import("vite");
  await build({ root, logLevel: "error" });
}

function answerNotFound(res: ServerResponse): void {
  res.writeHead(404, { "Content-Type": "text/plain" }).end("There is nothing here.\n");
}

/** Vite puts a hash of the content into the names below assets/. */
function cacheControl(path: string): string {
  return path.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache";
}

async function isStale(): Promise<boolean> {
  const built = await newest(join(dist, "index.html"));
  const changed = await Promise.all(sources.map((source) => newest(join(root, source))));
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
