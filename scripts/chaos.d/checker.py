"""Holds what came out against what went in. Knows the messages and the table, and nothing of how the service works."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from rules_checker import DIGEST, Judge

EVENTS, RESULTS, PREFERENCES = "incentive.events", "incentive.delivery-results", "user.preferences"
POISON = "poison-"

ENDED = {"sent", "failed"}


@dataclass
class Evidence:
    """Records are as `kcat -J` writes them, rows and requests as dicts by column and field."""

    events: list  # of incentive.events
    results: list  # of incentive.delivery-results
    requests: list  # of incentive.deliveries, read_committed; where rules are at work with the record's time, `written_at`
    events_dlq: list
    results_dlq: list
    rows: list
    claims: int
    acknowledged: set = field(default_factory=set)  # event ids that the broker has taken from the producer
    # event id -> (status, attempts) that the results lead to
    fate: object = None

    # What follows is there only where rules are at work.
    rules: object = None
    now: str = None  # when rows and history were read, by the database's clock
    history: list = field(default_factory=list)  # entries, the details as objects, in their order
    cancels_sent: set = field(default_factory=set)  # event id and user, as the broker has taken them
    preferences: list = field(default_factory=list)  # of user.preferences
    preferences_dlq: list = field(default_factory=list)
    preferences_said: dict = field(default_factory=dict)  # user -> the newest message that was sent
    preferences_kept: dict = field(default_factory=dict)  # user -> what the table has


@dataclass
class Verdict:
    lost: list = field(default_factory=list)
    duplicated: list = field(default_factory=list)
    wrong: list = field(default_factory=list)
    counts: dict = field(default_factory=dict)

    @property
    def good(self):
        return not (self.lost or self.duplicated or self.wrong)


@dataclass
class Into:
    """What the events topic asks for."""

    events: dict = field(default_factory=dict)
    # Where each event stands for the first time, as partition and offset.
    places: dict = field(default_factory=dict)
    cancels: list = field(default_factory=list)  # event id, user, place
    sent: int = 0  # events, repeats included

    def take(self, record):
        event, place = json.loads(record["payload"]), (record["partition"], record["offset"])
        if is_cancel(event):
            self.cancels.append((event["event_id"], event["user_id"], place))
            return
        self.sent += 1
        self.events.setdefault(event["event_id"], event)
        self.places.setdefault(event["event_id"], place)


def is_cancel(event):
    return event.get("action") == "cancel"


def check(evidence):
    verdict = Verdict()
    into = Into()
    for record in evidence.events:
        if not poisoned(record):
            into.take(record)
    events = into.events
    for event_id in sorted(evidence.acknowledged - events.keys()):
        verdict.lost.append(f"event {event_id}: acknowledged to the producer, not in {EVENTS}")
    for event_id, user_id in sorted(evidence.cancels_sent - {cancel[:2] for cancel in into.cancels}):
        verdict.lost.append(f"cancel of {event_id} by {user_id}: acknowledged to the producer, not in {EVENTS}")

    rows = check_rows(evidence, events, verdict)
    check_requests(evidence, rows, verdict)
    unsettled = check_dead_letters(evidence, events, verdict)
    if evidence.rules:
        Judge(evidence, into, unsettled, verdict).judge()
    else:
        check_ends(evidence, rows, unsettled, verdict)
    if evidence.claims:
        verdict.wrong.append(f"{evidence.claims} claims are still open")

    verdict.counts.update(
        events_in=into.sent,
        distinct_events=len(events),
        distinct_rows=len(rows),
        requests_out=len(evidence.requests),
        further_attempts=sum(1 for request in evidence.requests if request["attempt"] > 1),
        lost=len(verdict.lost),
        duplicated=len(verdict.duplicated),
        wrong=len(verdict.wrong),
    )
    return verdict


def poisoned(record):
    return (record["key"] or "").startswith(POISON)


def check_rows(evidence, events, verdict):
    rows = {}
    of_event = Counter(row["event_id"] for row in evidence.rows)
    for row in evidence.rows:
        rows[row["id"]] = row
        event = events.get(row["event_id"])
        if event is None and evidence.rules and row["event_id"].startswith(DIGEST):
            continue
        if event is None:
            verdict.wrong.append(f"row {row['id']}: there was no event {row['event_id']}")
        elif row["user_id"] != event["user_id"] or row["priority"] != event["priority"]:
            verdict.wrong.append(f"row {row['id']}: user or priority are not those of event {row['event_id']}")
    verdict.lost += [f"event {event_id}: no row" for event_id in events if event_id not in of_event]
    verdict.duplicated += [f"event {event_id}: {n} rows" for event_id, n in of_event.items() if n > 1]
    return rows


def check_requests(evidence, rows, verdict):
    """Each attempt of each row has one request."""
    seen = Counter()
    for request in evidence.requests:
        row_id, attempt = request["notification_id"], request["attempt"]
        seen[row_id, attempt] += 1
        row = rows.get(row_id)
        if row is None:
            verdict.wrong.append(f"request {row_id}/{attempt}: there is no such row")
            continue
        for name in ("event_id", "user_id", "priority", "message_title"):
            if request[name] != row[name]:
                verdict.wrong.append(f"request {row_id}/{attempt}: {name} is {request[name]!r}, in the row {row[name]!r}")
        if not request["message_title"] or not request["message_body"]:
            verdict.wrong.append(f"request {row_id}/{attempt}: without words")
        if attempt > row["attempts"]:
            verdict.wrong.append(f"request {row_id}/{attempt}: the row has had {row['attempts']} attempts")
    for (row_id, attempt), n in seen.items():
        if n > 1:
            verdict.duplicated.append(f"request {row_id}/{attempt}: {n} times in the topic")
    for row in rows.values():
        for attempt in range(1, row["attempts"] + 1):
            if not seen[row["id"], attempt]:
                verdict.lost.append(f"request {row['id']}/{attempt} ({row['event_id']}): not in the topic")


def check_dead_letters(evidence, events, verdict):
    """A dead letter may be there twice, and must be there once. Returns the results that gave up waiting, by row."""
    unsettled = defaultdict(list)
    topics = [
        (EVENTS, evidence.events, evidence.events_dlq, "events"),
        (RESULTS, evidence.results, evidence.results_dlq, "results"),
    ]
    if evidence.rules:
        topics.append((PREFERENCES, evidence.preferences, evidence.preferences_dlq, "preferences"))
    for topic, records, letters, name in topics:
        expected = {(record["partition"], record["offset"]): record for record in records if poisoned(record)}
        all_records = {(record["partition"], record["offset"]): record for record in records}
        found = set()
        explained = 0
        for letter in letters:
            about = headers(letter)
            place = (int(about.get("dlq-partition", -1)), int(about.get("dlq-offset", -1)))
            record = all_records.get(place)
            if about.get("dlq-topic") != topic or record is None:
                verdict.wrong.append(f"a dead letter of {name} names no record: {about}")
            elif place in expected:
                found.add(place)
                if letter["payload"] != record["payload"]:
                    verdict.wrong.append(f"dead letter of {name} {place}: not the bytes as they came")
            elif about.get("dlq-reason") == "unsettled":
                unsettled[json.loads(record["payload"])["notification_id"]].append(place)
                explained += 1
            elif about.get("dlq-reason") == "unknown_notification" and is_of_another(record, events):
                explained += 1
            else:
                verdict.wrong.append(f"dead letter of {name} {place} was good: {about.get('dlq-detail')}")
        verdict.lost += [f"dead letter of {name} {place}: missing" for place in sorted(expected.keys() - found)]
        verdict.counts[f"dead_letters_{name}_expected"] = len(expected)
        verdict.counts[f"dead_letters_{name}"] = len(found)
        verdict.counts[f"dead_letters_{name}_twice"] = len(letters) - len(found) - explained
    verdict.counts["results_unsettled"] = len(unsettled)
    return unsettled


def is_of_another(record, events):
    """Whether a record is the cancel of another user's event."""
    cancel = json.loads(record["payload"])
    event = events.get(cancel.get("event_id"))
    return is_cancel(cancel) and event is not None and event["user_id"] != cancel["user_id"]


def check_ends(evidence, rows, unsettled, verdict):
    for row in rows.values():
        if row["status"] not in ENDED:
            verdict.lost.append(f"row {row['id']} ({row['event_id']}): it ended {row['status']}")
        elif row["attempts"] == 0:
            verdict.lost.append(f"row {row['id']} ({row['event_id']}): {row['status']} without an attempt")
        elif evidence.fate and row["id"] not in unsettled:
            fate = evidence.fate(row["event_id"])
            if (row["status"], row["attempts"]) != fate:
                verdict.wrong.append(
                    f"row {row['id']} ({row['event_id']}): {row['status']} after {row['attempts']} attempts, "
                    f"its results lead to {fate[0]} after {fate[1]}"
                )


def headers(record):
    flat = record.get("headers") or []
    return dict(zip(flat[::2], flat[1::2]))
