export { listen } from "./listen.ts";
export { createSite } from "./site.ts";
