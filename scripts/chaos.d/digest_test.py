"""The checker sees what is wrong with a digest: fabricated evidence with one fault each."""

import unittest

from fabricated import RulesCase, World, at


class DigestTest(RulesCase):
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
        self.world = World()
        del parts["p4"]
        for event_id in parts:
            self.world.part(event_id)
        self.world.digest(parts, 40)
        self.faulty()

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

    def test_a_cancelled_digest_whose_part_goes_nowhere(self):
        self.world.tell(self.taken_out(status="cancelled"), "cancelled")
        self.faulty(lost=1)

    def test_the_last_part_was_taken_out(self):
        digest = self.taken_out(status="suppressed")
        # Without a reason, and its other part goes nowhere.
        self.faulty(wrong=2)
        self.world.tell(digest, "suppressed", rule="digest")
        self.faulty(wrong=1)
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


if __name__ == "__main__":
    unittest.main()
