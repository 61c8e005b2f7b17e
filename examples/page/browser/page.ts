/** The element of index.html that a selector means. It is there: index.html and these modules are one thing. */
export function find<T extends Element>(selector: string, type: new () => T, within: ParentNode = document): T {
  const element = within.querySelector(selector);
  if (!(element instanceof type)) throw new Error(`index.html has no ${type.name} at ${selector}`);
  return element;
}

/** An element with a class and, as text, its content. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  text = "",
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

/** Shows another of the icons in index.html. */
export function setIcon(button: HTMLElement, name: string): void {
  button.querySelector("use")?.setAttribute("href", `#icon-${name}`);
}
