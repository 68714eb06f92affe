"""Whether what became of each event is what its rules make of it: the reader's wishes, caps, quiet hours, expiry, cancels,
digests. What the checker sees without rules (one row, one request for each attempt) is not looked at again."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from rules import GRACE, RECHECK, SECOND, millis

DIGEST = "digest-"
# What stands between the last look at the clock and the writing of a request.
A_MOMENT = SECOND


@dataclass
class Told:
    """One row with all that is known of it."""

    row: dict
    event: dict  # of a digest: what it is, as far as rules ask for it
    history: list = field(default_factory=list)
    requests: list = field(default_factory=list)  # by attempt
    cancels: list = field(default_factory=list)  # of its own user: partition and offset
    came: tuple = None  # partition and offset of its event

    def __str__(self):
        return f"row {self.row['id']} ({self.row['event_id']})"

    def of(self, kind):
        return [entry for entry in self.history if entry["kind"] == kind]

    @property
    def status(self):
        return self.row["status"]

    @property
    def is_digest(self):
        return self.row["event_id"].startswith(DIGEST)

    @property
    def expires_at(self):
        return millis(self.event["expires_at"]) if self.event.get("expires_at") else None

    @property
    def due(self):
        """When its first attempt was due; retries have times of their own."""
        return millis(self.requests[0]["scheduled_at"] if self.requests else self.row["scheduled_at"])

    @property
    def at_dispatch(self):
        """What rules have decided right before its first attempt was published."""
        decided = [entry for entry in self.history if entry["detail"].get("stage") == "dispatch"]
        return [entry for entry in decided if entry["attempt"] == 0]

    @property
    def planned(self):
        """When its first attempt was due before rules deferred it right before publishing."""
        deferred = [entry["detail"]["was_due_at"] for entry in self.at_dispatch if entry["kind"] == "held"]
        return millis(deferred[0]) if deferred else self.due

    @property
    def place(self):
        """Where caps count it, if they do: what is deferred right before publishing keeps the slot that it had."""
        kept_out = [entry for entry in self.of("suppressed") if entry["detail"].get("stage") != "dispatch"]
        gone = kept_out or self.of("digested")
        late = self.expires_at is not None and self.expires_at <= self.planned
        return None if gone or late else self.planned

    @property
    def called_off_first(self):
        """Whether a cancel stood before the event, in its partition."""
        return any(partition == self.came[0] and offset < self.came[1] for partition, offset in self.cancels)


class Judge:
    def __init__(self, evidence, into, unsettled, verdict):
        self.rules = evidence.rules
        self.evidence = evidence
        self.unsettled = unsettled
        self.verdict = verdict
        self.now = millis(evidence.now)
        self.told = tell(evidence, into)
        self.by_event = {told.row["event_id"]: told for told in self.told}
        self.parts = defaultdict(list)
        self.of_reader = defaultdict(list)
        for told in self.told:
            if told.status == "digested":
                self.parts[told.row["digest_event_id"]].append(told)
            self.of_reader[told.row["user_id"]].append(told)

    def wrong(self, told, words):
        self.verdict.wrong.append(f"{told}: {words}")

    def lost(self, told, words):
        self.verdict.lost.append(f"{told}: {words}")

    def judge(self):
        ends = {
            "sent": self.tried,
            "failed": self.tried,
            "suppressed": self.suppressed,
            "expired": self.expired,
            "cancelled": self.cancelled,
            "digested": self.digested,
            "pending": self.pending,
        }
        for told in self.told:
            end = ends.get(told.status)
            if end:
                end(told)
            else:
                self.lost(told, f"it ended {told.status}")
            self.wishes(told)
            self.called_off(told)
            self.times(told)
            self.holds(told)
            if told.is_digest:
                self.digest(told)
        for reader in self.of_reader.values():
            self.caps(reader)
            self.gathering(reader)
        self.preferences()
        self.count()

    # -----------------------------------------------------------------------------------------------------------------
    # How it ended

    def tried(self, told):
        row = told.row
        if row["attempts"] == 0:
            self.lost(told, f"{told.status} without an attempt")
        elif self.evidence.fate and row["id"] not in self.unsettled:
            fate = self.evidence.fate(row["event_id"])
            if (told.status, row["attempts"]) != fate:
                words = f"{told.status} after {row['attempts']} attempts"
                self.wrong(told, f"{words}, its results lead to {fate[0]} after {fate[1]}")

    def untried(self, told):
        if told.row["attempts"] or told.requests:
            self.wrong(told, f"{told.status}, and requested")

    def tries_on(self, told):
        """What has had attempts and did not end with them has failed each time."""
        attempts = told.row["attempts"]
        if not attempts or not self.evidence.fate or told.row["id"] in self.unsettled:
            return
        fate = self.evidence.fate(told.row["event_id"])
        if fate[1] <= attempts:
            self.wrong(told, f"{told.status} after {attempts} attempts, its results lead to {fate[0]} after {fate[1]}")

    def suppressed(self, told):
        why = [entry["detail"] for entry in told.of("suppressed")]
        rules = [detail.get("rule") for detail in why]
        is_late = [detail.get("stage") for detail in why] == ["dispatch"]
        if is_late:
            # An attempt may have failed before.
            for request in told.requests:
                if request["written_at"] > millis(told.of("suppressed")[0]["at"]):
                    self.wrong(told, f"requested after it was suppressed: attempt {request['attempt']}")
        else:
            self.untried(told)
        if told.is_digest and not is_late:
            if rules != ["digest"]:
                self.wrong(told, f"a digest that was suppressed by {rules}")
        elif rules == ["opted_out_types"]:
            if not self.rules.has_opted_out(told.event):
                self.wrong(told, "suppressed, and its reader has not opted out")
        elif rules == ["cap"]:
            if not self.rules.wants_none(told.event):
                if self.rules.over != "drop":
                    self.wrong(told, "suppressed by a cap that lets it wait")
                elif not self.is_full(told, why[0]):
                    self.wrong(told, f"suppressed by a cap that was not full: {why[0]}")
        else:
            self.wrong(told, f"suppressed by {rules}")

    def expired(self, told):
        self.tries_on(told)
        ends = [millis(entry["at"]) for entry in told.of("expired")]
        if told.expires_at is None or len(ends) != 1 or ends[0] < told.expires_at:
            self.wrong(told, f"expired at {ends}, its event says {told.expires_at}")

    def cancelled(self, told):
        self.tries_on(told)
        if told.is_digest:
            self.untried(told)
            return
        if not told.cancels:
            self.wrong(told, "cancelled, and nobody called it off")
        for entry in told.of("cancelled"):
            for request in told.requests:
                if request["written_at"] > millis(entry["at"]):
                    self.wrong(told, f"requested after it was cancelled at {entry['at']}")

    def pending(self, told):
        self.tries_on(told)
        scheduled = millis(told.row["scheduled_at"])
        if scheduled <= self.now:
            self.lost(told, "it is due and still pending")
        elif scheduled not in held_until(told):
            self.lost(told, f"pending until {told.row['scheduled_at']}, and no rule holds it until then")
        elif scheduled != told.expires_at and self.rules.is_quiet(told.event, scheduled):
            self.wrong(told, f"pending until {told.row['scheduled_at']}, in quiet hours")

    def digested(self, told):
        self.untried(told)
        digest = self.by_event.get(told.row["digest_event_id"])
        if digest is None or not digest.is_digest:
            self.wrong(told, f"part of a digest that is not there: {told.row['digest_event_id']}")
            return
        for name in ("user_id", "incentive_type"):
            if digest.row[name] != told.row[name]:
                self.wrong(told, f"part of a digest of another {name}: {digest}")
        if [entry["detail"].get("digest") for entry in told.of("digested")] != [digest.row["event_id"]]:
            self.wrong(told, f"its history does not name its digest {digest}")
        if not self.may_gather(told):
            self.wrong(told, "gathered, though it was to leave by itself")

    # -----------------------------------------------------------------------------------------------------------------
    # Rules that hold whatever the end

    def wishes(self, told):
        if told.status == "suppressed":
            return
        if self.rules.has_opted_out(told.event):
            self.wrong(told, f"{told.status}, and its reader has opted out")
        elif self.rules.wants_none(told.event) and not self.is_left_out(told):
            self.wrong(told, f"{told.status}, and its reader wants none in a day")
        if not told.is_digest and told.row["language"] != self.rules.language(told.event):
            self.wrong(told, f"in {told.row['language']}, to be {self.rules.language(told.event)}")

    def called_off(self, told):
        done, late = len(told.of("cancelled")), len(told.of("cancel_too_late"))
        if done > 1 or late > 1:
            self.wrong(told, f"cancelled {done} times, and {late} times too late")
        if bool(done) != (told.status == "cancelled"):
            self.wrong(told, f"{told.status}, and {done} times cancelled in its history")
        if told.cancels and not done + late:
            self.wrong(told, f"{told.status}, and its cancel has not met it")
        if told.status == "suppressed":
            return
        if told.called_off_first and (told.status != "cancelled" or told.requests):
            self.wrong(told, f"{told.status} with {len(told.requests)} requests, and called off before it came")
        if told.cancels and told.status == "pending":
            self.wrong(told, "called off, and still to leave")
        if told.cancels and told.status == "digested":
            digest = self.by_event.get(told.row["digest_event_id"])
            if digest and not digest.requests:
                self.wrong(told, "called off, and still in a digest that has not left")

    def times(self, told):
        event, due = told.event, told.due
        for request in told.requests:
            name = f"request {request['attempt']} of {told}"
            at, written_at = millis(request["scheduled_at"]), request["written_at"]
            if written_at < at:
                self.verdict.wrong.append(f"{name}: written {at - written_at} ms before it was due")
            if told.expires_at is not None and written_at >= told.expires_at + A_MOMENT:
                self.verdict.wrong.append(f"{name}: written {written_at - told.expires_at} ms after it had expired")
            begun = request["attempt"] > 1 or self.rules.is_quiet(event, at - GRACE)
            evaluated = written_at - millis(told.row["created_at"]) > RECHECK + GRACE
            if evaluated and all(self.rules.is_quiet(event, when) for when in (written_at, written_at - RECHECK - GRACE)):
                self.verdict.wrong.append(f"{name}: written in quiet hours, long after it was stored")
            if begun and self.rules.is_quiet(event, at):
                self.verdict.wrong.append(f"{name}: due in quiet hours, at {request['scheduled_at']}")
        if told.status in ("suppressed", "digested") or told.is_digest or told.place is None:
            return
        if event.get("scheduled_at") and due < millis(event["scheduled_at"]):
            self.wrong(told, f"due at {told.row['scheduled_at']}, before its event allows")
        if event.get("deliver_between"):
            begin, end = (millis(event["deliver_between"][name]) for name in ("from", "to"))
            others = rules_of(told) - {"best_time"}
            # A window that has passed when it is stored means at once.
            latest = max(end, millis(told.row["created_at"]) + A_MOMENT)
            if due < begin or (due >= latest and not others):
                self.wrong(told, "due outside of its window")

    def holds(self, told):
        """Whoever holds something back has a reason."""
        for detail in hold_details(told):
            rule = detail["rule"]
            fair = {
                "quiet_hours": lambda: self.rules.is_quiet(told.event, millis(detail["due_at"])),
                "best_time": lambda: bool(told.event.get("deliver_between")),
                "cap": lambda: self.is_full(told, detail),
                "digest": lambda: told.is_digest or self.may_gather(told),
            }.get(rule)
            if fair is None or not fair():
                self.wrong(told, f"held back without a reason: {detail}")

    # -----------------------------------------------------------------------------------------------------------------
    # Digests

    def digest(self, told):
        parts = self.parts.get(told.row["event_id"], [])
        taken_out = [
            other
            for other in self.of_reader[told.row["user_id"]]
            if other.status == "cancelled"
            and told.row["event_id"] in [entry["detail"].get("digest") for entry in other.of("digested")]
        ]
        if not parts and told.status != "suppressed":
            self.wrong(told, "a digest of nothing")
        if parts and told.status == "suppressed" and not told.at_dispatch:
            self.wrong(told, "suppressed, and it has something to tell")
        if told.status == "suppressed":
            return
        if told.status == "cancelled":
            for part in parts:
                self.lost(part, f"part of a digest that was cancelled: {told}")
            return
        if told.status not in ("sent", "failed", "pending"):
            self.wrong(told, f"a digest that ended {told.status}")
        if len(parts) > self.rules.digest_most:
            self.wrong(told, f"a digest of {len(parts)} parts")
        listings = [(f"request {request['attempt']} of {told}", request["incentive_data"]) for request in told.requests]
        for name, data in listings or [(str(told), told.row["incentive_data"])]:
            self.listing(name, data, parts)
        urgent = [part.event["priority"] for part in parts]
        ever = urgent + [part.event["priority"] for part in taken_out]
        if urgent and not max(urgent) <= told.row["priority"] <= max(ever):
            self.wrong(told, f"of priority {told.row['priority']}, its parts of {sorted(urgent)}")
        if parts and told.row["language"] not in {part.row["language"] for part in parts + taken_out}:
            self.wrong(told, f"in {told.row['language']}, and none of its parts is")

    def listing(self, name, data, parts):
        said = data.get("digest") or {}
        listed = said.get("parts") or []
        names = Counter(part.get("event_id") for part in listed)
        true = Counter(part.row["event_id"] for part in parts)
        if names != true:
            missing, strange = sorted((true - names).elements()), sorted(map(str, (names - true).elements()))
            self.verdict.wrong.append(f"{name}: of its parts it leaves out {missing}, and lists {strange} that are none")
            return
        if said.get("count") != len(parts):
            self.verdict.wrong.append(f"{name}: counts {said.get('count')} of {len(parts)} parts")
        points = [part.event.get("incentive_data", {}).get("points_earned") for part in parts]
        total = sum(filter(None, points)) if any(each is not None for each in points) else None
        if data.get("points_earned") != total:
            self.verdict.wrong.append(f"{name}: {data.get('points_earned')} points, its parts have {total}")
        of_event = {part.row["event_id"]: (each, part.event.get("occurred_at")) for part, each in zip(parts, points)}
        for part in listed:
            points, occurred_at = of_event[part["event_id"]]
            if part.get("points") != points or occurred_at not in (None, part["occurred_at"]):
                self.verdict.wrong.append(f"{name}: it has {part}, of an event with {points} points at {occurred_at}")

    def may_gather(self, told):
        return self.rules.may_gather(told.event, millis(told.row["created_at"]))

    def is_left_out(self, told):
        """Whether nothing may have been decided of it: what was called off before it could be gathered joins nothing."""
        return told.status == "cancelled" and not told.requests and self.may_gather(told)

    def gathering(self, reader):
        """What gathers waits, and what comes meanwhile joins it."""
        for told in reader:
            if told.is_digest or not self.rules.gathers(told.event):
                continue
            if told.status in ("digested", "suppressed", "cancelled"):
                continue
            if "digest" not in rules_of(told):
                self.wrong(told, f"{told.status} by itself, and has not waited for others")
                continue
            stored = millis(told.row["created_at"])
            for other in reader:
                if other is told or other.is_digest or not self.rules.gathers(other.event):
                    continue
                if other.row["incentive_type"] != told.row["incentive_type"]:
                    continue
                # What is quiet when it comes is to leave later than what waits.
                if other.status in ("suppressed", "cancelled") or "quiet_hours" in rules_of(other):
                    continue
                # In its own zone it may be quiet when what waits is to leave.
                if self.rules.is_quiet(other.event, told.planned):
                    continue
                if stored < millis(other.row["created_at"]) < told.planned - A_MOMENT:
                    self.wrong(told, f"left by itself, and {other} came while it waited")

    # -----------------------------------------------------------------------------------------------------------------
    # Caps

    def places(self, told):
        """Those of the other notifications of its reader."""
        return [
            (other.place, other.row["incentive_type"])
            for other in self.of_reader[told.row["user_id"]]
            if other is not told and not self.rules.is_urgent(other.row) and other.place is not None
        ]

    def is_full(self, told, detail):
        """Whether a cap was full as a history says. Places are never given back, so that those of the end will do."""
        due, scope = millis(detail["due_at"]), detail["scope"]
        taken = [at for at, kind in self.places(told) if scope in ("all", kind)]
        if detail["per"] == "day":
            near = [at for at in taken if self.rules.day(told.event, at) == self.rules.day(told.event, due)]
            own = self.rules.a_day(told.row["user_id"])
            return detail["limit"] == own and len(near) >= own
        limit = self.rules.per_window if scope == "all" else self.rules.per_window_of.get(scope)
        near = [at for at in taken if abs(at - due) < self.rules.window]
        return detail["limit"] == limit and len(near) >= limit

    def caps(self, reader):
        counted = [told for told in reader if not self.rules.is_urgent(told.row) and told.place is not None]
        counted = [told for told in counted if not self.is_left_out(told)]
        counted.sort(key=lambda told: told.place)
        self.window(counted, self.rules.per_window, "all")
        for kind, limit in self.rules.per_window_of.items():
            self.window([told for told in counted if told.row["incentive_type"] == kind], limit, kind)
        days = defaultdict(list)
        for told in counted:
            days[self.rules.day(told.event, told.place)].append(told)
        for day, of_day in days.items():
            limit = self.rules.a_day(of_day[0].row["user_id"])
            if len(of_day) > limit:
                self.wrong(of_day[limit], f"one more than {limit} of day {day}")

    def window(self, counted, limit, scope):
        for first, last in zip(counted, counted[limit:]):
            if last.place - first.place < self.rules.window:
                late = last.place - first.place
                self.wrong(last, f"due {late} ms after {first}: more than {limit} of {scope} in a window")

    # -----------------------------------------------------------------------------------------------------------------

    def preferences(self):
        """The table has the newest that each reader has said."""
        kept, said = self.evidence.preferences_kept, self.evidence.preferences_said
        for user_id in sorted(kept.keys() | said.keys()):
            if wishes_in(kept.get(user_id, {})) != wishes_in(said.get(user_id, {})):
                self.verdict.wrong.append(
                    f"preferences of user {user_id}: kept {kept.get(user_id)}, the newest is {said.get(user_id)}"
                )

    def count(self):
        ends = Counter(told.status for told in self.told if not told.is_digest)
        held = [told for told in self.told if hold_details(told)]
        self.verdict.counts.update(
            {name: ends[name] for name in ("suppressed", "expired", "cancelled", "digested")},
            digests=sum(told.is_digest for told in self.told),
            held=len(held),
            held_still=sum(told.status == "pending" for told in held),
            held_by=dict(sorted(Counter(detail["rule"] for told in held for detail in hold_details(told)).items())),
        )


def tell(evidence, into):
    """What is known of each row, in the order of the rows."""
    history, requests, cancels = defaultdict(list), defaultdict(list), defaultdict(list)
    for entry in evidence.history:
        history[entry["notification_id"]].append(entry)
    for request in sorted(evidence.requests, key=lambda request: request["attempt"]):
        requests[request["notification_id"]].append(request)
    for event_id, user_id, place in into.cancels:
        cancels[event_id, user_id].append(place)
    all_told = []
    for row in evidence.rows:
        event_id = row["event_id"]
        event = into.events.get(event_id)
        made_here = {name: row[name] for name in ("user_id", "incentive_type", "priority", "timezone")}
        told = Told(row, event or made_here, history[row["id"]], requests[row["id"]])
        if event:
            told.cancels, told.came = cancels[event_id, row["user_id"]], into.places[event_id]
        all_told.append(told)
    return all_told


def hold_details(told):
    """What rules say that have held it back, at first or when an attempt had failed."""
    details = [entry["detail"] for entry in told.of("held")]
    return details + [entry["detail"]["held"] for entry in told.of("delivery_failed") if "held" in entry["detail"]]


def rules_of(told):
    return {detail["rule"] for detail in hold_details(told)}


def held_until(told):
    """Until when they hold it back; what expires before is looked at then."""
    ends = {millis(detail["held_until"]) for detail in hold_details(told)}
    return ends | {told.expires_at} if ends else ends


def wishes_in(message):
    hours = message.get("quiet_hours") or {}
    single = [message.get(name) for name in ("updated_at", "language", "timezone", "max_per_day")]
    lists = [sorted(message.get(name) or []) for name in ("opted_out_types", "segments")]
    return [*single, hours.get("from"), hours.get("to"), *lists]


def unseen(counts, over):
    """Which rules have had nothing to do, so that the run shows nothing of them."""
    ends = ("suppressed", "expired", "cancelled", "digested")
    holds = ("quiet_hours", "best_time", "digest") + (("cap",) if over != "drop" else ())
    return [end for end in ends if not counts[end]] + [f"held by {rule}" for rule in holds if rule not in counts["held_by"]]
