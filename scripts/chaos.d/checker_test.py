"""The checker sees what it is there to see: fabricated evidence with one fault each."""

import copy
import json
import unittest

from checker import EVENTS, RESULTS, Evidence, check


def record(partition, offset, key, payload, headers=()):
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return {"partition": partition, "offset": offset, "key": key, "payload": text, "headers": list(headers)}


def letter(topic, of, reason="invalid_json"):
    about = ["dlq-reason", reason, "dlq-topic", topic]
    about += ["dlq-partition", str(of["partition"]), "dlq-offset", str(of["offset"])]
    return record(0, 0, of["key"], of["payload"], about)


def sound():
    """Three events, one of them sent twice; row 2 has two attempts, row 3 failed; a poison of either kind."""
    events = [{"event_id": f"e{n}", "user_id": n, "priority": 1} for n in (1, 2, 3)]
    ends = {"e1": ("sent", 1), "e2": ("sent", 2), "e3": ("failed", 1)}
    rows = [
        {**event, "id": n, "message_title": "t", "status": ends[f"e{n}"][0], "attempts": ends[f"e{n}"][1]}
        for n, event in enumerate(events, 1)
    ]
    requests = [
        {**events[n - 1], "notification_id": n, "attempt": attempt, "message_title": "t", "message_body": "b"}
        for n, attempt in ((1, 1), (2, 1), (3, 1), (2, 2))
    ]
    into = [record(0, n, event["user_id"] and str(event["user_id"]), event) for n, event in enumerate(events + events[:1])]
    into.append(record(1, 0, "poison-1", "{"))
    results = [record(0, 0, "poison-2", "[]"), record(0, 1, "1", {"notification_id": 1})]
    return Evidence(
        events=into,
        results=results,
        requests=requests,
        events_dlq=[letter(EVENTS, into[-1])],
        results_dlq=[letter(RESULTS, results[0])],
        rows=rows,
        claims=0,
        acknowledged={"e1", "e2", "e3"},
        fate=ends.get,
    )


class Checker(unittest.TestCase):
    def faulty(self, lost=0, duplicated=0, wrong=0):
        verdict = check(self.evidence)
        found = (len(verdict.lost), len(verdict.duplicated), len(verdict.wrong))
        self.assertEqual(found, (lost, duplicated, wrong), vars(verdict))
        self.assertEqual(verdict.good, found == (0, 0, 0))
        return verdict

    def setUp(self):
        self.evidence = sound()

    def test_what_is_sound_passes(self):
        verdict = self.faulty()
        self.assertEqual(verdict.counts["events_in"], 4)
        self.assertEqual(verdict.counts["distinct_events"], 3)
        self.assertEqual(verdict.counts["requests_out"], 4)
        self.assertEqual(verdict.counts["further_attempts"], 1)
        self.assertEqual(verdict.counts["dead_letters_events"], 1)

    def test_an_event_without_a_row(self):
        del self.evidence.rows[0]
        self.evidence.requests = [r for r in self.evidence.requests if r["notification_id"] != 1]
        self.faulty(lost=1)

    def test_an_event_with_two_rows(self):
        again = {**self.evidence.rows[0], "id": 9}
        self.evidence.rows.append(again)
        self.evidence.requests.append({**self.evidence.requests[0], "notification_id": 9})
        self.faulty(duplicated=1)

    def test_an_event_that_the_broker_lost(self):
        self.evidence.acknowledged.add("e4")
        self.faulty(lost=1)

    def test_a_row_of_no_event(self):
        self.evidence.events = self.evidence.events[1:3] + self.evidence.events[4:]
        self.faulty(wrong=1, lost=1)

    def test_a_request_twice(self):
        self.evidence.requests.append(copy.copy(self.evidence.requests[3]))
        self.assertIn("2/2", self.faulty(duplicated=1).duplicated[0])

    def test_a_request_lost(self):
        del self.evidence.requests[1]
        self.assertIn("2/1", self.faulty(lost=1).lost[0])

    def test_a_request_that_no_attempt_stands_for(self):
        self.evidence.requests.append({**self.evidence.requests[0], "attempt": 2})
        self.faulty(wrong=1)

    def test_a_request_of_no_row(self):
        self.evidence.requests.append({**self.evidence.requests[0], "notification_id": 77})
        self.faulty(wrong=1)

    def test_a_request_for_somebody_else(self):
        self.evidence.requests[0]["user_id"] = 2
        self.faulty(wrong=1)

    def test_a_request_without_words(self):
        self.evidence.requests[0]["message_body"] = ""
        self.faulty(wrong=1)

    def test_a_dead_letter_missing(self):
        self.evidence.events_dlq.clear()
        self.faulty(lost=1)

    def test_a_dead_result_missing(self):
        self.evidence.results_dlq.clear()
        self.faulty(lost=1)

    def test_a_dead_letter_twice_is_none_missing(self):
        self.evidence.events_dlq *= 2
        self.assertEqual(self.faulty().counts["dead_letters_events_twice"], 1)

    def test_a_dead_letter_that_was_changed(self):
        self.evidence.events_dlq[0]["payload"] = "}"
        self.faulty(wrong=1)

    def test_a_good_event_put_aside(self):
        self.evidence.events_dlq.append(letter(EVENTS, self.evidence.events[0]))
        self.faulty(wrong=1)

    def test_a_result_that_gave_up_waiting_explains_its_row(self):
        self.evidence.results_dlq.append(letter(RESULTS, self.evidence.results[1], "unsettled"))
        self.evidence.fate = lambda event_id: ("sent", 2) if event_id == "e1" else sound().fate(event_id)
        self.faulty()

    def test_a_row_whose_results_were_lost(self):
        self.evidence.fate = lambda event_id: ("sent", 2) if event_id == "e1" else sound().fate(event_id)
        self.faulty(wrong=1)

    def test_a_row_that_never_ended(self):
        self.evidence.rows[0]["status"] = "processing"
        self.faulty(lost=1)

    def test_an_open_claim(self):
        self.evidence.claims = 1
        self.faulty(wrong=1)


if __name__ == "__main__":
    unittest.main()
