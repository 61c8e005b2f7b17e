export { type ChatNode, createContext, createRouter } from "./router.ts";
export { createChatSite } from "./site.ts";
