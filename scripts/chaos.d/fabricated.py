"""Evidence of events and what rules made of them, for the checker's own tests."""

import unittest

from checker import Evidence, check
from checker_test import record
from rules import MINUTE, SECOND, Reader, Rules, minute_of, millis, text_of

NOON = millis("2026-06-01T12:00:00Z")
QUIET = (minute_of(NOON - 60 * MINUTE), minute_of(NOON + 120 * MINUTE))
READERS = {
    2: Reader(quiet=QUIET),
    3: Reader(opted_out=("referral_bonus",)),
    4: Reader(max_per_day=1, timezone="Asia/Tokyo"),
    5: Reader(max_per_day=0),
    6: Reader(language="es-MX"),
    9: Reader(segments=("owls",)),
}


def at(seconds):
    return text_of(NOON + round(seconds * SECOND))


def kept_at(seconds):
    """As the database has it."""
    return at(seconds)[:-1].replace("T", " ")


class World:
    """Evidence in the making. Times are in seconds from noon; what is not said is as of a plain event that was sent."""

    def __init__(self, over="wait"):
        self.fates = {}
        self.evidence = Evidence([], [], [], [], [], [], 0, fate=lambda event_id: self.fates.get(event_id, ("sent", 1)))
        self.evidence.rules = Rules(READERS, over, owls=QUIET)
        self.evidence.now = at(600)
        for user, reader in READERS.items():
            self.evidence.preferences_said[user] = reader.message(user, NOON)
            self.evidence.preferences_kept[user] = {
                "language": None, "timezone": None, "quiet_hours": None, "opted_out_types": [], "max_per_day": None,
                "segments": [], **reader.message(user, NOON),
            }  # fmt: skip

    def send(self, event):
        place = len(self.evidence.events)
        self.evidence.events.append(record(0, place, str(event["user_id"]), event))

    def add(self, event_id, user=1, kind="achievement_reward", status="sent", due=0, attempts=None, stored=0, urgent=False,
            points=10, **said):  # fmt: skip
        event = {"event_id": event_id, "user_id": user, "incentive_type": kind, "priority": 3 if urgent else 1, **said}
        event["incentive_data"] = {} if points is None else {"points_earned": points}
        self.send(event)
        return self.row(event, status, due, attempts, stored)

    def row(self, event, status, due, attempts, stored, **more):
        attempts = (status in ("sent", "failed")) if attempts is None else attempts
        row = {name: event[name] for name in ("event_id", "user_id", "incentive_type", "priority")} | {
            "id": len(self.evidence.rows) + 1, "status": status, "attempts": int(attempts), "message_title": "t",
            "scheduled_at": kept_at(due), "created_at": kept_at(stored),
            "language": self.evidence.rules.language(event), "timezone": None, "digest_event_id": None,
            "incentive_data": None,
        } | more  # fmt: skip
        self.evidence.rows.append(row)
        for attempt in range(1, row["attempts"] + 1):
            self.request(row, attempt, due if attempt == 1 else due + 10 * attempt)
        return row

    def request(self, row, attempt, due):
        named = ("event_id", "user_id", "priority", "message_title")
        request = {name: row[name] for name in named} | {
            "notification_id": row["id"], "attempt": attempt, "message_body": "b", "scheduled_at": at(due),
            "written_at": NOON + due * SECOND, "incentive_data": row["incentive_data"] or {},
        }  # fmt: skip
        self.evidence.requests.append(request)
        return request

    def tell(self, row, kind, when=0, **detail):
        entry = {"notification_id": row["id"], "kind": kind, "attempt": row["attempts"], "detail": detail}
        self.evidence.history.append(entry | {"at": kept_at(when)})
        return detail

    def held(self, row, rule, due, until, **detail):
        return self.tell(row, "held", rule=rule, due_at=at(due), held_until=at(until), **detail)

    def cap(self, row, due, until=None, limit=2, per="1m", scope="all"):
        said = {"rule": "cap", "limit": limit, "per": per, "scope": scope, "due_at": at(due)}
        if until is None:
            return self.tell(row, "suppressed", **said)
        return self.tell(row, "held", held_until=at(until), **said)

    def cancel(self, event_id, user=1):
        self.send({"action": "cancel", "event_id": event_id, "user_id": user})
        self.evidence.cancels_sent.add((event_id, user))

    def part(self, event_id, digest="digest-1", user=6, stored=0, **said):
        said = {"kind": "point_earning", "status": "digested", "due": 4} | said
        row = self.add(event_id, user, stored=stored, **said)
        row["digest_event_id"] = digest
        self.tell(row, "digested", rule="digest", digest=digest)
        return row

    def digest(self, parts, points, event_id="digest-1", user=6, status="sent", due=4, attempts=None, priority=1):
        event = {"event_id": event_id, "user_id": user, "incentive_type": "point_earning", "priority": priority}
        listed = [{"event_id": name, "points": each, "occurred_at": at(0)} for name, each in parts.items()]
        data = {"points_earned": points, "digest": {"count": len(parts), "parts": listed}}
        return self.row(event, status, due, attempts, 1, incentive_data=data)


class RulesCase(unittest.TestCase):
    def setUp(self):
        self.world = World()

    def faulty(self, lost=0, duplicated=0, wrong=0):
        verdict = check(self.world.evidence)
        found = (len(verdict.lost), len(verdict.duplicated), len(verdict.wrong))
        self.assertEqual(found, (lost, duplicated, wrong), vars(verdict))
        return verdict

    def cancelled(self, event_id="e1", was="after", **said):
        if was == "before":
            self.world.cancel(event_id)
        row = self.world.add(event_id, status="cancelled", **said)
        if was == "after":
            self.world.cancel(event_id)
        self.world.tell(row, "cancelled", 5)
        return row
