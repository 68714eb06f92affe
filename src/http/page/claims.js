// Claims in doubt: why nobody knows whether they were published, and the decision of a person.

import { get, mayChange, post } from "./api.js";
import { ask } from "./ask.js";
import { h, put, say } from "./dom.js";
import { many, number, utc } from "./words.js";

const IDS_SHOWN = 20;

/** What a person can say of a claim: the deed, the button, and what it means. */
const DECISIONS = [
  ["mark-published", "Mark published", "Say this if its requests are in the deliveries topic. Its notifications become sent."],
  ["release", "Release", "Say this if its requests are not in the deliveries topic. Its notifications become pending and go out again: if they had been published, people are notified twice."],
];

export async function claims(root) {
  const [{ claims: all, in_doubt: inDoubt, more }, operator] = await Promise.all([get("/v1/claims"), mayChange()]);
  const doubtful = all.filter((claim) => claim.doubt !== null);
  const underWay = all.length - doubtful.length;
  put(root,
    h("h1", { tabindex: "-1" }, "Claims in doubt"),
    h("p", { class: "quiet" }, "Whether their notifications were published is not known. Look for the notification ids in the deliveries topic, then decide."),
    ...(doubtful.length === 0 ? [h("p", {}, "There is none.")] : doubtful.map((claim) => shown(claim, operator))),
    inDoubt > doubtful.length && h("p", { class: "quiet" }, `${number(inDoubt - doubtful.length)} more are in doubt: inq claims list shows them.`),
    underWay > 0 && h("p", { class: "quiet" }, `${more ? "At least " : ""}${many(underWay, "claim")} under way: the publisher or recovery ends them.`));
}

function shown(claim, operator) {
  const { id, rows, claimed_at: made, lease_until: next, doubt, notification_ids: ids } = claim;
  const label = `claim-${id}`;
  const links = ids.slice(0, IDS_SHOWN).flatMap((one, index) =>
    [index > 0 && ", ", h("a", { href: `#/notification/${one}` }, `${one}`)]);
  return h("article", { class: "entry", "aria-labelledby": label },
    h("h2", { id: label }, `Claim ${id}`, h("small", {}, ` ${many(number(rows), "notification")}`)),
    h("p", { class: "fault" }, doubt),
    h("p", { class: "quiet" }, `Made ${utc(made)} · recovery tries again after ${utc(next)}`),
    h("p", {}, "Notifications: ", links, ids.length > IDS_SHOWN && ` and ${number(ids.length - IDS_SHOWN)} more`),
    operator && h("div", { class: "row" }, DECISIONS.map(([deed, words, meaning]) =>
      h("button", { type: "button", click: () => decide(claim, deed, words, meaning) }, `${words}…`))));
}

async function decide({ id }, deed, words, meaning) {
  if (!await ask(`${words}: claim ${id}?`, meaning, words)) return say("Nothing was changed.");
  try {
    const { rows, status } = await post(`/v1/claims/${id}/${deed}`);
    dispatchEvent(new Event("again"));
    say(`Claim ${id}: ${many(number(rows), "notification")} ${status}.`);
  } catch (problem) {
    say(problem.message);
  }
}
