"""The checker sees what is against the rules: fabricated evidence with one fault each."""

import unittest

from checker import EVENTS, PREFERENCES, Evidence, check
from checker_test import letter, record
from rules import MINUTE, SECOND, Reader, Rules, minute_of, millis, text_of
from rules_checker import unseen

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


class RulesTest(unittest.TestCase):
    def setUp(self):
        self.world = World()

    def faulty(self, lost=0, duplicated=0, wrong=0):
        verdict = check(self.world.evidence)
        found = (len(verdict.lost), len(verdict.duplicated), len(verdict.wrong))
        self.assertEqual(found, (lost, duplicated, wrong), vars(verdict))
        return verdict

    # What was sent, and when

    def test_what_was_sent_in_time_passes(self):
        self.world.add("e1", urgent=True)
        self.world.fates = {"e2": ("failed", 3)}
        self.world.add("e2", status="failed", attempts=3, urgent=True)
        self.world.add("e3", scheduled_at=at(5), due=5)
        self.world.add("e4", expires_at=at(5), urgent=True)
        self.world.held(self.world.add("e5", due=20, deliver_between={"from": at(20), "to": at(30)}), "best_time", 0, 20)
        verdict = self.faulty()
        self.assertEqual(verdict.counts["held_by"], {"best_time": 1})
        self.assertIn("suppressed", unseen(verdict.counts, "wait"))
        self.assertIn("held by digest", unseen(verdict.counts, "wait"))
        self.assertNotIn("held by best_time", unseen(verdict.counts, "wait"))
        self.assertNotIn("held by cap", unseen(verdict.counts, "drop"))

    def test_what_ends_otherwise_than_its_results_say(self):
        self.world.fates = {"e1": ("sent", 2)}
        self.world.add("e1")
        self.faulty(wrong=1)

    def test_what_is_sent_without_an_attempt(self):
        self.world.add("e1", attempts=0)
        self.faulty(lost=1)

    def test_what_never_ends(self):
        self.world.add("e1", status="processing")
        self.faulty(lost=1)

    def test_a_request_before_its_time(self):
        self.world.add("e1", due=5)
        self.world.evidence.requests[0]["written_at"] = NOON + 4.9 * SECOND
        self.faulty(wrong=1)

    def test_due_before_the_event_allows(self):
        self.world.add("e1", scheduled_at=at(5), due=4)
        self.faulty(wrong=1)

    def test_due_before_or_after_its_window(self):
        for due, wrong in ((19, 1), (20, 0), (29, 0), (31, 1)):
            self.world = World()
            row = self.world.add("e1", due=due, deliver_between={"from": at(20), "to": at(30)})
            self.world.held(row, "best_time", 0, due)
            self.faulty(wrong=wrong)

    def test_a_window_that_had_passed_means_at_once(self):
        row = self.world.add("e1", due=50, stored=50, deliver_between={"from": at(20), "to": at(30)})
        self.world.held(row, "best_time", 0, 50)
        self.faulty()

    def test_a_request_that_had_expired(self):
        self.world.add("e1", expires_at=at(5))
        self.world.evidence.requests[0]["written_at"] = NOON + 6.5 * SECOND
        self.faulty(wrong=1)

    def test_in_another_language_than_the_reader_has(self):
        self.world.add("e1", user=6)
        self.world.evidence.rows[0]["language"] = "en"
        self.faulty(wrong=1)

    # Suppressed

    def test_suppressed_by_its_reader_or_by_a_cap_of_none(self):
        self.world.tell(self.world.add("e1", 3, "referral_bonus", "suppressed"), "suppressed", rule="opted_out_types")
        self.world.cap(self.world.add("e2", 5, status="suppressed"), 0, limit=0, per="day")
        self.world.add("e3", 5, urgent=True)
        self.assertEqual(self.faulty().counts["suppressed"], 2)

    def test_suppressed_without_a_wish(self):
        self.world.tell(self.world.add("e1", 3, status="suppressed"), "suppressed", rule="opted_out_types")
        self.faulty(wrong=1)

    def test_suppressed_without_a_rule(self):
        self.world.add("e1", 3, "referral_bonus", "suppressed")
        self.faulty(wrong=1)

    def test_suppressed_and_requested(self):
        row = self.world.add("e1", 3, "referral_bonus", "suppressed", attempts=1)
        self.world.tell(row, "suppressed", rule="opted_out_types")
        self.faulty(wrong=1)

    def test_suppressed_by_a_cap_that_lets_it_wait(self):
        for event_id in ("e1", "e2"):
            self.world.add(event_id)
        self.world.cap(self.world.add("e3", status="suppressed"), 0)
        self.faulty(wrong=1)

    def test_suppressed_by_a_cap_that_drops(self):
        for others, wrong in ((2, 0), (1, 1)):
            self.world = World(over="drop")
            for n in range(others):
                self.world.add(f"e{n}")
            self.world.cap(self.world.add("e9", status="suppressed"), 0)
            self.faulty(wrong=wrong)

    def test_sent_to_one_who_has_opted_out(self):
        self.world.add("e1", 3, "referral_bonus")
        self.faulty(wrong=1)

    def test_sent_to_one_who_wants_none(self):
        self.world.add("e1", 5)
        # One more than none in the day, too.
        self.faulty(wrong=2)

    # Expired

    def test_expired_passes(self):
        self.world.tell(self.world.add("e1", status="expired", expires_at=at(5), due=5), "expired", 5)
        self.world.fates = {"e2": ("sent", 2)}
        self.world.tell(self.world.add("e2", status="expired", attempts=1, expires_at=at(8)), "expired", 8)
        self.assertEqual(self.faulty().counts["expired"], 2)

    def test_expired_too_early_or_without_a_time(self):
        self.world.tell(self.world.add("e1", status="expired", expires_at=at(5), due=5), "expired", 4.9)
        self.world.tell(self.world.add("e2", status="expired"), "expired", 4)
        self.world.add("e3", status="expired", expires_at=at(5), due=5)
        self.faulty(wrong=3)

    def test_expired_after_it_had_arrived(self):
        self.world.tell(self.world.add("e1", status="expired", attempts=1, expires_at=at(8)), "expired", 8)
        self.faulty(wrong=1)

    # Cancelled

    def cancelled(self, event_id="e1", was="after", **said):
        if was == "before":
            self.world.cancel(event_id)
        row = self.world.add(event_id, status="cancelled", **said)
        if was == "after":
            self.world.cancel(event_id)
        self.world.tell(row, "cancelled", 5)
        return row

    def test_cancelled_before_after_between_attempts_or_too_late_passes(self):
        self.cancelled("e1", "before")
        self.cancelled("e2")
        self.world.fates = {"e3": ("failed", 3)}
        self.cancelled("e3", attempts=2, due=-300)
        self.world.tell(self.world.add("e4", due=90), "cancel_too_late")
        self.world.cancel("e4")
        self.assertEqual(self.faulty().counts["cancelled"], 3)

    def test_cancelled_by_nobody(self):
        self.cancelled(was="never")
        self.faulty(wrong=1)

    def test_cancelled_by_another_user(self):
        self.world.tell(self.world.add("e1", status="cancelled"), "cancelled")
        self.world.cancel("e1", user=2)
        self.faulty(wrong=1)

    def test_a_cancel_of_another_user_is_put_aside(self):
        self.world.add("e1")
        self.world.cancel("e1", user=2)
        self.world.evidence.events_dlq.append(letter(EVENTS, self.world.evidence.events[1], "unknown_notification"))
        self.assertEqual(self.faulty().counts["dead_letters_events_twice"], 0)

    def test_a_cancel_of_the_same_user_put_aside(self):
        self.world.tell(self.world.add("e1"), "cancel_too_late")
        self.world.cancel("e1")
        self.world.evidence.events_dlq.append(letter(EVENTS, self.world.evidence.events[1], "unknown_notification"))
        self.faulty(wrong=1)

    def test_a_cancel_that_the_broker_lost(self):
        self.world.add("e1")
        self.world.evidence.cancels_sent.add(("e1", 1))
        self.faulty(lost=1)

    def test_a_cancel_that_met_nothing(self):
        self.world.add("e1")
        self.world.cancel("e1")
        self.faulty(wrong=1)

    def test_cancelled_first_and_sent(self):
        self.world.cancel("e1")
        self.world.tell(self.world.add("e1"), "cancel_too_late")
        self.faulty(wrong=1)

    def test_cancelled_first_and_requested_all_the_same(self):
        self.world.fates = {"e1": ("sent", 2)}
        self.cancelled("e1", "before", attempts=1)
        self.faulty(wrong=1)

    def test_a_cancel_in_another_partition_stood_before_nothing(self):
        self.world.cancel("e1")
        self.world.evidence.events[0]["partition"] = 1
        self.world.tell(self.world.add("e1"), "cancel_too_late")
        self.faulty()

    def test_cancelled_too_late_twice(self):
        row = self.world.add("e1")
        self.world.cancel("e1")
        for _ in range(2):
            self.world.tell(row, "cancel_too_late")
        self.faulty(wrong=1)

    def test_requested_after_it_was_cancelled(self):
        self.world.fates = {"e1": ("sent", 3)}
        self.cancelled(attempts=1, due=6)
        self.faulty(wrong=1)

    def test_cancelled_after_it_had_arrived(self):
        self.cancelled(attempts=1)
        self.faulty(wrong=1)

    def test_cancelled_twice(self):
        self.world.tell(self.cancelled(), "cancelled")
        self.faulty(wrong=1)

    def test_cancelled_in_its_history_and_sent(self):
        self.world.tell(self.world.add("e1"), "cancelled")
        self.world.cancel("e1")
        self.faulty(wrong=1)

    def test_called_off_and_still_to_leave(self):
        row = self.world.add("e1", 2, status="pending", due=7200)
        self.world.held(row, "quiet_hours", 0, 7200)
        self.world.tell(row, "cancel_too_late")
        self.world.cancel("e1", 2)
        self.faulty(wrong=1)

    # Quiet hours

    def test_held_by_quiet_hours_passes(self):
        self.world.held(self.world.add("e1", 2, status="pending", due=7200), "quiet_hours", 0, 7200)
        self.world.held(self.world.add("e2", 9, status="pending", due=7200), "quiet_hours", 0, 7200)
        self.world.add("e3", 2, urgent=True)
        self.world.add("e4", 9, timezone="Asia/Tokyo")
        counts = self.faulty().counts
        self.assertEqual((counts["held"], counts["held_still"]), (2, 2))

    def test_a_retry_that_quiet_hours_hold_passes(self):
        self.world.fates = {"e1": ("sent", 2)}
        row = self.world.add("e1", 2, status="pending", attempts=1, due=-7200)
        row["scheduled_at"] = "2026-06-01 14:00:00.000"
        held = {"rule": "quiet_hours", "due_at": at(0), "held_until": at(7200)}
        self.world.tell(row, "delivery_failed", held=held)
        self.faulty()
        self.world.fates = {}
        self.faulty(wrong=1)

    def test_due_in_quiet_hours(self):
        self.world.add("e1", 2)
        self.world.add("e2", 9)
        self.faulty(wrong=2)

    def test_due_when_quiet_hours_had_just_begun(self):
        self.world.fates = {"e2": ("sent", 2)}
        self.world.add("e1", 2, due=-3590)
        self.faulty()
        self.world.add("e2", 2, due=-3610, attempts=2)
        self.faulty(wrong=1)

    def test_pending_and_due(self):
        self.world.held(self.world.add("e1", 2, status="pending", due=10), "quiet_hours", 0, 10)
        self.faulty(lost=1)

    def test_pending_for_no_reason(self):
        self.world.add("e1", status="pending", due=7200)
        self.faulty(lost=1)

    def test_pending_for_longer_than_the_rule_says(self):
        self.world.held(self.world.add("e1", 2, status="pending", due=7300), "quiet_hours", 0, 7200)
        self.faulty(lost=1)

    def test_pending_until_quiet_hours(self):
        self.world.held(self.world.add("e1", 2, status="pending", due=7190), "quiet_hours", 0, 7190)
        self.faulty(wrong=1)

    def test_pending_until_it_expires_passes_in_quiet_hours_too(self):
        self.world.held(self.world.add("e1", 2, status="pending", due=7000, expires_at=at(7000)), "quiet_hours", 0, 7200)
        self.faulty()

    def test_held_by_hours_that_are_not_quiet(self):
        self.world.held(self.world.add("e1", 1, due=100), "quiet_hours", 0, 100)
        self.faulty(wrong=1)

    def test_held_for_a_window_that_the_event_has_not(self):
        self.world.held(self.world.add("e1", 1, due=100), "best_time", 0, 100)
        self.faulty(wrong=1)

    def test_held_by_an_unknown_rule(self):
        self.world.held(self.world.add("e1", 1, due=100), "moon", 0, 100)
        self.faulty(wrong=1)

    # Caps

    def test_within_the_caps_passes(self):
        for n, due in enumerate((0, 10)):
            self.world.add(f"e{n}", due=due)
        self.world.cap(self.world.add("e2", due=60), 20, 60)
        self.world.add("e3", due=20, urgent=True)
        self.world.add("b1", 8, "bonus_opportunity")
        self.world.cap(self.world.add("b2", 8, "bonus_opportunity", due=60), 20, 60, 1, scope="bonus_opportunity")
        self.world.add("d1", 4)
        row = self.world.add("d2", 4, status="pending", due=3 * 3600)
        self.world.cap(row, 0, 3 * 3600, 1, "day")
        self.assertEqual(self.faulty().counts["held_by"], {"cap": 3})

    def test_too_many_in_a_window(self):
        for n, due in enumerate((0, 10, 59.999)):
            self.world.add(f"e{n}", due=due)
        self.faulty(wrong=1)

    def test_too_many_of_a_type_in_a_window(self):
        for n, due in enumerate((0, 10)):
            self.world.add(f"e{n}", kind="bonus_opportunity", due=due)
        self.faulty(wrong=1)

    def test_too_many_in_a_day(self):
        for n, due in enumerate((0, 70)):
            self.world.add(f"e{n}", 4, due=due)
        self.faulty(wrong=1)

    def test_a_day_ends_by_the_clock_on_the_reader_s_wall(self):
        for n, due in enumerate((0, 3 * 3600)):
            self.world.add(f"e{n}", 4, due=due)
        self.world.evidence.now = at(4 * 3600)
        self.faulty()

    def test_a_retry_takes_no_place_and_what_is_called_off_keeps_its_own(self):
        self.world.fates = {"e1": ("sent", 3)}
        self.world.add("e1", due=0, attempts=3)
        self.world.add("e2", due=0)
        self.faulty()
        self.cancelled("e3", due=30)
        self.faulty(wrong=1)

    def test_what_expires_before_its_place_takes_none(self):
        for event_id in ("e1", "e2"):
            self.world.add(event_id)
        self.world.tell(self.world.add("e3", status="expired", expires_at=at(5), due=5), "expired", 5)
        self.faulty()

    def test_held_by_a_cap_that_was_not_full(self):
        self.world.add("e1")
        self.world.cap(self.world.add("e2", due=60), 20, 60)
        self.faulty(wrong=1)

    def test_neither_the_urgent_nor_what_is_not_sent_fills_a_cap(self):
        self.world.tell(self.world.add("e1", 3, "referral_bonus", "suppressed"), "suppressed", rule="opted_out_types")
        self.world.add("e2", 3)
        self.world.add("e3", 3, urgent=True)
        self.world.cap(self.world.add("e4", 3, due=60), 20, 60)
        self.faulty(wrong=1)

    def test_held_by_a_day_that_was_not_full_or_had_another_end(self):
        self.world.cap(self.world.add("e1", 4, due=3 * 3600), 0, 3 * 3600, 1, "day")
        self.faulty(wrong=1)
        self.world.add("e2", 4)
        self.faulty()
        self.world.evidence.history[0]["detail"]["limit"] = 2
        self.faulty(wrong=1)

    def test_a_window_that_a_cap_puts_off_passes(self):
        for event_id in ("e1", "e2"):
            self.world.add(event_id)
        row = self.world.add("e3", due=60, deliver_between={"from": at(0), "to": at(30)})
        self.world.held(row, "best_time", 0, 0)
        self.faulty(wrong=1)
        self.world.cap(row, 0, 60)
        self.faulty()

    def test_held_by_a_cap_that_there_is_not(self):
        for event_id in ("e1", "e2"):
            self.world.add(event_id)
        self.world.cap(self.world.add("e3", due=60), 20, 60, limit=1)
        self.world.cap(self.world.add("e4", due=60), 20, 60, per="day", limit=2)
        self.faulty(wrong=2)

    # Digests

    def test_a_digest_passes(self):
        self.world.part("p1", points=5)
        self.world.part("p2", points=None, stored=1)
        self.world.part("p3", points=7, stored=2)
        self.world.digest({"p1": 5, "p2": None, "p3": 7}, 12)
        self.world.held(self.world.add("g1", 6, "streak_reward", due=4), "digest", 0, 4)
        counts = self.faulty().counts
        self.assertEqual((counts["digested"], counts["digests"]), (3, 1))

    def two(self, **digest):
        for event_id in ("p1", "p2"):
            self.world.part(event_id)
        if digest.pop("there", True):
            return self.world.digest(**({"parts": {"p1": 10, "p2": 10}, "points": 20} | digest))

    def test_a_digest_without_points_passes(self):
        for event_id in ("p1", "p2"):
            self.world.part(event_id, points=None)
        self.world.digest({"p1": None, "p2": None}, None)
        self.faulty()

    def test_a_digest_that_waits_passes(self):
        self.two(status="pending", due=7200)
        self.world.tell(self.world.evidence.rows[2], "held", rule="digest", due_at=at(0), held_until=at(7200))
        self.faulty()
        self.world.evidence.rows[2]["incentive_data"]["points_earned"] = 21
        self.faulty(wrong=1)

    def test_a_part_of_a_digest_that_is_not_there(self):
        self.two(there=False)
        self.faulty(wrong=2)

    def test_a_part_of_what_is_no_digest(self):
        self.world.add("e1", 6)
        self.world.part("p1", digest="e1")
        self.faulty(wrong=1)

    def test_a_part_that_is_requested_by_itself(self):
        self.two()
        row = self.world.evidence.rows[0]
        row["attempts"] = 1
        self.world.request(row, 1, 0)
        self.faulty(wrong=1)

    def test_a_part_that_its_digest_leaves_out(self):
        self.two(parts={"p1": 10}, points=10)
        self.faulty(wrong=1)

    def test_a_digest_that_lists_what_is_none_of_its_parts(self):
        self.two(parts={"p1": 10, "p2": 10, "e3": 10}, points=30)
        self.world.held(self.world.add("e3", 6, "point_earning", due=5, stored=5), "digest", 5, 9)
        self.faulty(wrong=1)

    def test_a_digest_that_lists_a_part_twice(self):
        self.two()
        listed = self.world.evidence.requests[0]["incentive_data"]["digest"]
        listed["parts"].append(listed["parts"][0])
        self.faulty(wrong=1)

    def test_a_part_in_two_digests(self):
        self.two()
        self.world.part("p3", "digest-2", stored=9)
        self.world.digest({"p3": 10, "p1": 10}, 20, "digest-2")
        self.faulty(wrong=1)

    def test_a_digest_that_counts_or_sums_wrongly(self):
        self.two(points=21)
        self.faulty(wrong=1)
        self.world.evidence.requests[0]["incentive_data"]["points_earned"] = 20
        self.world.evidence.requests[0]["incentive_data"]["digest"]["count"] = 3
        self.faulty(wrong=1)

    def test_a_digest_with_the_points_of_others(self):
        self.two(parts={"p1": 5, "p2": 15})
        self.faulty(wrong=2)

    def test_a_digest_with_the_time_of_others(self):
        for seconds, wrong in ((0, 0), (1, 1)):
            self.world = World()
            self.world.part("p1", occurred_at=at(seconds))
            self.world.digest({"p1": 10}, 10)
            self.faulty(wrong=wrong)

    def test_a_digest_of_nothing(self):
        self.world.digest({}, None)
        self.faulty(wrong=1)

    def test_a_digest_of_too_many(self):
        parts = {f"p{n}": 10 for n in range(5)}
        for event_id in parts:
            self.world.part(event_id)
        self.world.digest(parts, 50)
        self.faulty(wrong=1)

    def test_a_digest_for_somebody_else_or_of_another_type(self):
        for wrong in ({"user": 1}, {"kind": "streak_reward"}):
            self.world = World()
            self.world.part("p1")
            self.world.part("p2", **wrong)
            row = self.world.digest({"p1": 10, "p2": 10}, 20)
            row["language"] = self.world.evidence.rows[0]["language"]
            self.faulty(wrong=1)

    def test_a_digest_less_urgent_than_its_parts_or_more(self):
        self.two(priority=0)
        self.faulty(wrong=1)
        self.world = World()
        self.two(priority=2)
        self.faulty(wrong=1)

    def test_a_digest_as_urgent_as_what_was_taken_out_and_no_more(self):
        for told_of, wrong in (("digest-1", 0), ("digest-2", 1)):
            self.world = World()
            self.taken_out(priority=2)
            self.world.evidence.events[1]["payload"] = self.world.evidence.events[1]["payload"].replace(
                '"priority": 1', '"priority": 2'
            )
            self.world.evidence.rows[1]["priority"] = 2
            self.world.evidence.history[1]["detail"]["digest"] = told_of
            self.faulty(wrong=wrong)

    def test_a_digest_in_a_language_of_none_of_its_parts(self):
        self.two()["language"] = "ja"
        self.faulty(wrong=1)

    def test_a_digest_that_ended_in_another_way(self):
        row = self.two(status="suppressed", attempts=0)
        self.world.cap(row, 0, limit=0, per="day")
        # Nor has its reader asked for it.
        self.faulty(wrong=2)

    def test_a_part_whose_history_names_another_digest(self):
        self.two()
        self.world.evidence.history[0]["detail"]["digest"] = "digest-2"
        self.faulty(wrong=1)

    def test_gathered_though_it_was_to_leave_by_itself(self):
        own_times = {"scheduled_at": at(3)}, {"expires_at": at(90)}, {"deliver_between": {"from": at(0), "to": at(9)}}
        for over in ("wait", "digest"):
            for own_time in own_times:
                self.world = World(over)
                self.world.part("p1")
                self.world.part("p2", **own_time)
                self.world.digest({"p1": 10, "p2": 10}, 20)
                self.faulty(wrong=1)

    def test_gathered_when_its_time_had_passed(self):
        self.world.part("p1")
        self.world.part("p2", scheduled_at=at(3), stored=3)
        self.world.digest({"p1": 10, "p2": 10}, 20)
        self.faulty()

    def test_the_urgent_is_not_gathered(self):
        self.world.part("p1")
        self.world.part("p2", urgent=True)
        self.world.digest({"p1": 10, "p2": 10}, 20, priority=3)
        self.faulty(wrong=1)

    def test_what_is_over_a_cap_gathers_where_the_settings_say_so(self):
        for over, wrong in (("digest", 0), ("wait", 3)):
            self.world = World(over)
            self.world.part("p1", kind="referral_bonus")
            self.world.part("p2", kind="referral_bonus")
            self.world.digest({"p1": 10, "p2": 10}, 20)["incentive_type"] = "referral_bonus"
            self.world.tell(self.world.evidence.rows[2], "held", rule="digest", held_until=at(4))
            self.world.tell(self.world.evidence.rows[0], "held", rule="digest", held_until=at(4))
            self.faulty(wrong=wrong)

    def test_held_for_a_digest_that_it_is_not_for(self):
        self.world.held(self.world.add("e1", due=4), "digest", 0, 4)
        self.faulty(wrong=1)

    def test_what_is_to_leave_later_joins_nothing(self):
        self.world.held(self.world.add("g1", 2, "point_earning", due=-3590, stored=-3620), "digest", -3620, -3590)
        quiet = self.world.add("g2", 2, "point_earning", "pending", due=7204, stored=-3599)
        self.world.held(quiet, "quiet_hours", -3599, 7200)
        self.world.held(quiet, "digest", 7200, 7204)
        self.faulty()

    def test_what_was_called_off_before_it_could_be_gathered_takes_no_place(self):
        self.cancelled("g1", "before", kind="point_earning")
        for event_id in ("e1", "e2"):
            self.world.add(event_id)
        self.world.cancel("z1", 5)
        self.world.tell(self.world.add("z1", 5, "point_earning", "cancelled"), "cancelled")
        self.faulty()

    def test_left_by_itself_without_waiting(self):
        self.world.add("g1", kind="point_earning")
        self.faulty(wrong=1)

    def test_left_by_itself_while_another_came(self):
        for stored, wrong in ((2, 1), (3.5, 0), (5, 0)):
            self.world = World()
            self.world.held(self.world.add("g1", kind="point_earning", due=4), "digest", 0, 4)
            other = self.world.add("g2", kind="point_earning", due=stored + 4, stored=stored)
            self.world.held(other, "digest", stored, stored + 4)
            self.faulty(wrong=wrong)

    def test_what_was_called_off_or_is_of_another_kind_does_not_join(self):
        self.world.held(self.world.add("g1", kind="point_earning", due=4), "digest", 0, 4)
        self.cancelled("g2", kind="point_earning", stored=2, due=6)
        self.world.add("e3", kind="point_earning", stored=2, due=2, urgent=True)
        self.world.held(self.world.add("g4", kind="streak_reward", stored=2, due=6), "digest", 2, 6)
        self.faulty()

    def test_who_wants_none_gets_none_by_waiting_either(self):
        self.world.held(self.world.add("g1", 5, "point_earning", due=4), "digest", 0, 4)
        # One more than none in the day, too.
        self.faulty(wrong=2)

    def test_a_digest_counts_in_its_place_and_its_parts_do_not(self):
        self.two()
        for n, due in enumerate((0, 30)):
            self.world.add(f"e{n}", 6, due=due)
        self.faulty(wrong=1)
        del self.world.evidence.rows[4]
        del self.world.evidence.requests[-1]
        self.world.evidence.events.pop()
        self.faulty()

    def taken_out(self, **digest):
        self.world.part("p1")
        row = self.world.part("p2", status="cancelled")
        self.world.cancel("p2", 6)
        self.world.tell(row, "cancelled")
        return self.world.digest(**({"parts": {"p1": 10}, "points": 10} | digest))

    def test_a_part_that_was_taken_out_passes(self):
        self.taken_out()
        self.faulty()

    def test_a_part_that_was_taken_out_and_is_told(self):
        self.taken_out(parts={"p1": 10, "p2": 10}, points=20)
        self.faulty(wrong=1)

    def test_the_last_part_was_taken_out(self):
        self.world.tell(self.taken_out(status="cancelled"), "cancelled")
        # Its other part goes nowhere.
        self.faulty(lost=1)
        self.world.cancel("p1", 6)
        self.world.tell(self.world.evidence.rows[0], "cancelled")
        self.world.evidence.rows[0]["status"] = "cancelled"
        self.faulty()

    def test_a_cancelled_digest_that_is_told(self):
        row = self.taken_out(status="cancelled", attempts=1)
        self.world.tell(row, "cancelled", 9)
        self.world.fates = {"digest-1": ("sent", 2)}
        self.faulty(lost=1, wrong=1)

    def test_a_part_called_off_too_late(self):
        self.two()
        self.world.cancel("p1", 6)
        self.world.tell(self.world.evidence.rows[0], "cancel_too_late")
        self.faulty()

    def test_a_part_called_off_and_still_in_a_digest_that_waits(self):
        row = self.two(status="pending", due=7200)
        self.world.tell(row, "held", rule="digest", due_at=at(0), held_until=at(7200))
        self.world.cancel("p1", 6)
        self.world.tell(self.world.evidence.rows[0], "cancel_too_late")
        self.faulty(wrong=1)

    # Preferences

    def test_preferences_that_are_not_the_newest(self):
        self.world.evidence.preferences_kept[6]["language"] = "ja"
        self.faulty(wrong=1)

    def test_preferences_that_are_missing(self):
        del self.world.evidence.preferences_kept[2]
        self.faulty(wrong=1)

    def test_a_dead_letter_of_preferences_missing(self):
        self.world.evidence.preferences.append(record(0, 0, "poison-1", "{"))
        self.faulty(lost=1)
        self.world.evidence.preferences_dlq.append(letter(PREFERENCES, self.world.evidence.preferences[0]))
        self.faulty()


if __name__ == "__main__":
    unittest.main()
