import { find, setIcon } from "./page.ts";

const key = "tautline-theme";
const themes = ["system", "light", "dark"] as const;
type Theme = (typeof themes)[number];

/** The button that goes round the themes. What was chosen is kept; `system` follows the reader's own setting. */
export function startTheme(): void {
  const button = find(".theme-button", HTMLButtonElement);
  let theme = stored();
  show(theme, button);
  button.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length] ?? "system";
    localStorage.setItem(key, theme);
    show(theme, button);
  });
}

function stored(): Theme {
  const theme = localStorage.getItem(key);
  return themes.find((known) => known === theme) ?? "system";
}

function show(theme: Theme, button: HTMLButtonElement): void {
  // The style sheet sets `color-scheme` by this, and every colour in it is a `light-dark()` pair.
  document.documentElement.dataset["theme"] = theme;
  button.ariaLabel = `Theme: ${theme}`;
  button.title = `Theme: ${theme}`;
  setIcon(button, `theme-${theme}`);
}
