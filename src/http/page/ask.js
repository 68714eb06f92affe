// Nothing is changed before somebody has said yes to exactly that.

import { byId } from "./dom.js";

/** Asks; true only where the button with the deed on it was pressed. */
export function ask(title, what, deed) {
  const dialog = byId("ask-dialog");
  byId("ask-title").textContent = title;
  byId("ask-what").textContent = what;
  byId("ask-yes").textContent = deed;
  return new Promise((answer) => {
    let said = false;
    byId("ask-yes").onclick = () => { said = true; dialog.close(); };
    byId("ask-no").onclick = () => dialog.close();
    dialog.addEventListener("close", () => answer(said), { once: true });
    dialog.showModal();
    byId("ask-no").focus();
  });
}
