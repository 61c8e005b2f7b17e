export { ConnectionLine } from "./connection-line.ts";
export { CutButton } from "./cut-button.ts";
export { Hold } from "./hold.ts";
export { Notice } from "./notice.ts";
export { find, make, setIcon } from "./page.ts";
export { startTheme } from "./theme.ts";
