// Lines over time, drawn from what this page has seen while it was open.

import { h, s } from "./dom.js";
import { number, span } from "./words.js";

const WIDTH = 300, HEIGHT = 70;

/** A figure: what it is, how much now, and how that came. `points` are [milliseconds, value]. */
export function chart(name, points, unit = "") {
  const values = points.map(([, value]) => value);
  const [first, last] = [points[0][0], points.at(-1)[0]];
  const top = Math.max(1, ...values);
  const x = (at) => (last === first ? WIDTH : ((at - first) / (last - first)) * WIDTH);
  const y = (value) => HEIGHT - 3 - (value / top) * (HEIGHT - 6);
  const line = points.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  const now = number(values.at(-1));
  const range = `${number(Math.min(...values))} to ${number(Math.max(...values))} in the last ${span(last - first)}`;
  return h("figure", { class: "chart" },
    h("figcaption", {}, h("span", {}, name), h("strong", {}, now, unit && h("small", {}, ` ${unit}`))),
    s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", preserveAspectRatio: "none",
      "aria-label": `${name}: ${now} ${unit} now, ${range}` },
    s("line", { x1: 0, x2: WIDTH, y1: HEIGHT - 3, y2: HEIGHT - 3, class: "ground" }),
    points.length > 1
      ? s("polyline", { points: line, class: "line" })
      : s("line", { x1: WIDTH - 8, x2: WIDTH, y1: y(values[0]), y2: y(values[0]), class: "line" })),
    h("p", { class: "quiet" }, points.length > 1 ? range : "drawn while this page is open"));
}
