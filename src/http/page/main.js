// Which view is shown, and the token where one is needed.

import { hasToken, keepToken, onLocked } from "./api.js";
import { broadcasts } from "./broadcasts.js";
import { claims } from "./claims.js";
import { byId, h, say } from "./dom.js";
import { letters } from "./letters.js";
import { found, one } from "./notifications.js";
import { overview, watch } from "./overview.js";

let turn = 0;

async function view(root) {
  const [path, query] = location.hash.slice(1).split("?");
  const parameters = new URLSearchParams(query);
  const id = /^\/notification\/([^/]+)$/.exec(path)?.[1];
  if (id) await one(root, decodeURIComponent(id));
  else if (path === "/search") await found(root, parameters);
  else if (path === "/letters") await letters(root, parameters);
  else if (path === "/broadcasts") await broadcasts(root);
  else if (path === "/claims") await claims(root);
  else await overview(root);
}

/** A view that comes too late, after another was asked for, is not shown. */
async function show(focus) {
  const mine = ++turn;
  const root = h("div", { class: "view" });
  const main = byId("main");
  main.setAttribute("aria-busy", "true");
  try {
    await view(root);
  } catch (problem) {
    root.replaceChildren(h("h1", { tabindex: "-1" }, "That did not work"), h("p", { class: "fault" }, problem.message));
  }
  if (mine !== turn) return;
  main.replaceChildren(root);
  main.removeAttribute("aria-busy");
  const title = root.querySelector("h1");
  document.title = `${title.textContent} – notification queue`;
  if (focus) title.focus();
}

byId("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const [by, value] = [byId("by").value, byId("value").value.trim()];
  const target = by === "id"
    ? `#/notification/${encodeURIComponent(value)}`
    : `#/search?${new URLSearchParams({ by, value })}`;
  if (target === location.hash) show(true);
  else location.hash = target;
});

byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});

let unlocking;
onLocked(() => {
  unlocking ??= new Promise((unlocked) => {
    const dialog = byId("token-dialog");
    if (hasToken()) byId("token-why").textContent = "That token is not known here. Try another.";
    byId("token-form").onsubmit = (event) => {
      event.preventDefault();
      keepToken(byId("token").value);
      byId("token").value = "";
      unlocking = undefined;
      dialog.close();
      unlocked();
    };
    // Without a token there is nothing to see behind it.
    dialog.oncancel = (event) => event.preventDefault();
    if (!dialog.open) dialog.showModal();
  });
  return unlocking;
});

addEventListener("hashchange", () => { say(""); show(true); });
addEventListener("again", () => show(true));
addEventListener("changed", () => show(false));
show(false);
watch();
