// What the service tells, in words for people.

export const PRIORITIES = ["standard", "important", "time-sensitive", "critical", "emergency"];

export const plain = (name) => name.replaceAll("_", " ");

export const many = (count, one, more = `${one}s`) => `${count} ${Number(count) === 1 ? one : more}`;

export const number = (count) => Number(count).toLocaleString("en");

/** A time: UTC, and the same on this device's clock. */
export function time(text) {
  const at = new Date(text);
  const utc = `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  const local = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
  return { utc, local };
}

export const utc = (text) => time(text).utc;

export function span(ms) {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** How a notification stands, and why it has not arrived. */
export function standing(row) {
  const why = row.last_error ? `: ${row.last_error}` : "";
  switch (row.status) {
    case "pending":
      if (row.attempts > 0) return `Attempt ${row.attempts} failed${why}. The next one is due at ${utc(row.scheduled_at)}.`;
      return new Date(row.scheduled_at) > new Date()
        ? `It has not left yet: it is scheduled for ${utc(row.scheduled_at)}.`
        : "It is due, and leaves when its turn comes.";
    case "processing": return `It is being published as attempt ${row.attempts}.`;
    case "sent":
      return row.delivered_at
        ? `It was delivered at ${utc(row.delivered_at)}.`
        : "It was handed to the notification service, which has not reported yet.";
    case "failed": return `It has failed after ${many(row.attempts, "attempt")}, and no other follows${why}.`;
    case "cancelled": return "It was called off before it left.";
    case "expired": return "It expired before it left.";
    case "suppressed": return "It is not to be sent: the user has opted out of such notifications.";
    default: return `It is ${row.status}.`;
  }
}

export const canBeRetried = (row) =>
  ["failed", "cancelled"].includes(row.status) || (row.status === "pending" && row.attempts > 0);
export const canBeCancelled = (row) => row.status === "pending";

function reason(detail) {
  const said = [detail.error_code, detail.error_message, detail.error].filter(Boolean);
  return said.length ? said.join(": ") : "no reason given";
}

/** Which quiet hours held it back, and until when. */
function keptQuiet({ due_at, held_until, from, to, days, of, segment, timezone }) {
  const on = days.length === 7 ? "" : ` of ${days.join(", ")}`;
  const whose = of === "user" ? "the user" : of === "segment" ? `the segment ${segment}` : "the settings";
  return `due at ${utc(due_at)}, held until ${utc(held_until)}, for ${from} to ${to}${on} are quiet hours of ${whose} in ${timezone}`;
}

function told({ kind, attempt, detail }) {
  const next = detail.retry_at ? `; the next one is due at ${utc(detail.retry_at)}` : "";
  switch (kind) {
    case "delivered": return `Attempt ${attempt} was delivered`;
    case "opened": return "The user opened it";
    case "clicked": return "The user followed it";
    case "dismissed": return "The user dismissed it";
    case "delivery_failed":
      return `Attempt ${attempt} failed (${reason(detail)})${next}${detail.held ? `, ${keptQuiet(detail.held)}` : ""}`;
    case "delivery_failed_finally":
      return `Attempt ${attempt} failed for good (${reason(detail)})${detail.final_because ? `: ${detail.final_because}` : ""}`;
    case "publish_failed": return `Attempt ${attempt} was refused by the broker (${reason(detail)})${next}`;
    case "publish_failed_finally": return `Attempt ${attempt} was refused by the broker (${reason(detail)}), and attempts are used up`;
    case "recovered_as_sent": return `Attempt ${attempt} was found to be published after its publisher had died`;
    case "recovered_as_pending": return `Attempt ${attempt} was not published before its publisher died; it goes out again`;
    case "expired": return "It expired before it left";
    case "held": return `Held back: ${keptQuiet(detail)}`;
    case "suppressed": return `Not to be sent: the user has opted out of such notifications (preferences of ${detail.since})`;
    case "retried": return `Made due again by ${detail.by}`;
    case "cancelled": return `Cancelled by ${detail.by}`;
    default: return plain(kind);
  }
}

/** What happened, the oldest first: [time, words]. What the row itself knows has no entry in the history. */
export function timeline(row) {
  const story = [[row.occurred_at, "The event occurred"], [row.created_at, "Stored"]];
  const published = new Set();
  for (const entry of row.history) {
    if (entry.detail.published_at && !published.has(entry.attempt)) {
      published.add(entry.attempt);
      story.push([entry.detail.published_at, `Attempt ${entry.attempt} was published`]);
    }
    story.push([entry.at, told(entry)]);
  }
  if (row.status === "sent" && row.sent_at && !published.has(row.attempts)) {
    story.push([row.sent_at, `Attempt ${row.attempts} was published`]);
  }
  return story.sort(([one], [other]) => new Date(one) - new Date(other));
}
