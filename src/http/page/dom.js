// Elements made of text, never of markup: whatever the data says, it is shown as it stands.

const SVG = "http://www.w3.org/2000/svg";

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  put(element, ...children);
  return element;
}

/** Adds children to an element; what is false, null or undefined is left out. */
export function put(element, ...children) {
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
}

/** An element; attributes that are functions listen to the event of that name. */
export const h = (tag, attributes = {}, ...children) =>
  filled(document.createElement(tag), attributes, children);

/** The same of a drawing. */
export const s = (tag, attributes = {}, ...children) =>
  filled(document.createElementNS(SVG, tag), attributes, children);

export const byId = (id) => document.getElementById(id);

/** Tells everybody, those too who only hear the page. */
export function say(text) {
  byId("said").textContent = text;
}

/** A table that scrolls by itself where it is wider than the screen. */
export function table(caption, heads, rows) {
  const cell = (content, index) => h(index === 0 ? "th" : "td", index === 0 ? { scope: "row" } : {}, content);
  return h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {},
      h("caption", { class: "hidden" }, caption),
      h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map(cell))))));
}
