"""The checker sees what is against the rules: fabricated evidence with one fault each."""

import unittest

from checker import EVENTS, PREFERENCES
from checker_test import letter, record
from fabricated import NOON, RulesCase, World, at
from rules import SECOND
from rules_checker import unseen


class RulesTest(RulesCase):
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

    # Evaluated again right before publishing

    def test_suppressed_right_before_an_attempt(self):
        for when, wrong in ((5, 0), (-1, 1)):
            self.world = World()
            row = self.world.add("e1", 3, "referral_bonus", "suppressed", attempts=1)
            self.world.tell(row, "suppressed", when, rule="opted_out_types", stage="dispatch")
            self.faulty(wrong=wrong)

    def test_deferred_right_before_publishing_it_keeps_its_slot(self):
        # Two in a minute are as many as there may be: as of their slots there are.
        for n, due in ((0, 0), (1, 1), (2, 65), (3, 66)):
            row = self.world.add(f"e{n}", 2, status="pending", due=120 * 60, stored=due)
            self.world.held(row, "quiet_hours", 70, 120 * 60, stage="dispatch", was_due_at=at(due))
        self.faulty()
        row = self.world.add("e4", 2, status="pending", due=120 * 60, stored=67)
        self.world.held(row, "quiet_hours", 70, 120 * 60, stage="dispatch", was_due_at=at(67))
        self.faulty(wrong=1)

    def test_requested_in_quiet_hours_long_after_it_was_stored(self):
        for stored, wrong in ((-60, 0), (-600, 1)):
            self.world = World()
            self.world.add("e1", 2, stored=stored)
            # It was due before they began, and they have begun long ago.
            self.world.evidence.requests[0]["scheduled_at"] = at(-2 * 3600)
            self.world.evidence.rows[0]["scheduled_at"] = at(-2 * 3600)[:-1].replace("T", " ")
            self.faulty(wrong=wrong)

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
