export { type Implementation, implement } from "./implement.ts";
export type { CreateContextOptions, ErrorReport, ServeOptions } from "./options.ts";
export type { AllowedOrigins } from "./origin.ts";
export { serve, type TautlineServer } from "./serve.ts";
