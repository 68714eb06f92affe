"""What is sent where rules are at work: readers who say what they want, and events that rules bear on."""

import asyncio
import json
import random
import time

import load
from checker import EVENTS, POISON, PREFERENCES
from rules import LANGUAGES, MINUTE, READERS, SECOND, TYPES, Reader, text_of
from world import Broken

# These get no events, and so may change their minds while the run is under way.
FICKLE = range(READERS + 1, READERS + 51)


def now():
    return round(time.time() * 1000)


class Producer(load.Producer):
    """A stream as without rules, in which some events expire, have a window, come close upon others of their kind, or are
    called off: before they come, along with them, or later."""

    def __init__(self, servers, seed, rate, seconds, rules):
        super().__init__(servers, seed, rate, seconds)
        self._rules = rules
        # Events that gather, of the last seconds.
        self._lately = []
        # Who called off which event, as (event id, user).
        self.cancels = set()

    def _chunk(self, second):
        chunk, ids = [], []
        self._lately = [(at, event) for at, event in self._lately if at >= second - 2]
        for i in range(self._rate):
            event = self._event(f"e-{second}-{i}")
            if self._rules.gathers(event):
                self._lately.append((second, event))
            record = record_of(event)
            chance = self._rng.random()
            if chance < 0.015:
                chunk.append(self._cancel(event))
                self._later.append((second + self._rng.randint(1, 3), record, event["event_id"]))
                continue
            chunk.append(record)
            ids.append(event["event_id"])
            if chance < 0.025:
                chunk.append(self._cancel(event))
            elif chance < 0.06:
                self._later.append((second + self._rng.randint(1, 8), self._cancel(event), None))
            elif chance < 0.065:
                self._later.append((second + self._rng.randint(0, 3), self._cancel(event, event["user_id"] + 1), None))
            elif chance < 0.09:
                chunk.append(record)
            elif chance < 0.12:
                self._later.append((second + self._rng.randint(2, 15), record, None))
            elif chance < 0.13:
                chunk.append((f"{POISON}{second}-{i}".encode(), self._rng.choice(self._poison)))
        self._add_what_is_due(second, chunk, ids)
        return chunk, ids

    def _cancel(self, event, user=None):
        user = user or event["user_id"]
        self.cancels.add((event["event_id"], user))
        return record_of({"action": "cancel", "event_id": event["event_id"], "user_id": user, "reason": "chaos"})

    def _event(self, event_id):
        rng = self._rng
        event = {
            "event_id": event_id,
            "user_id": rng.randint(1, READERS),
            "incentive_type": rng.choice(TYPES),
            "priority": rng.randint(0, 4),
            "incentive_data": {"streak_count": rng.randint(1, 90)},
        }
        if rng.random() < 0.9:
            event["incentive_data"]["points_earned"] = rng.randint(1, 500)
        if rng.random() < 0.3:
            event["occurred_at"] = text_of(now() - rng.randint(0, 600) * SECOND)
        if rng.random() < 0.6:
            event["language"] = rng.choice(list(LANGUAGES))
        if self._lately and rng.random() < 0.15:
            _, other = rng.choice(self._lately)
            alike = {name: other[name] for name in ("user_id", "incentive_type")}
            return event | alike | {"priority": rng.randint(0, 2)}
        reader = self._rules.reader(event["user_id"])
        if self._rules.zones and not reader.bound_to_a_clock and rng.random() < 0.15:
            event["timezone"] = rng.choice(self._rules.zones)
        chance, later = rng.random(), now() + round(rng.uniform(1, 8) * SECOND)
        if chance < 0.10:
            event["scheduled_at"] = text_of(later)
        if 0.08 < chance < 0.17:
            event["expires_at"] = text_of(now() + round(rng.uniform(-1, 15) * SECOND))
        elif chance > 0.94:
            begin = now() + round(rng.uniform(-5, 5) * SECOND)
            end = begin + round(rng.uniform(4, 30) * SECOND)
            event["deliver_between"] = {"from": text_of(begin), "to": text_of(end)}
        return event


class Readers:
    """Says what the readers want: all of it before the load, and again under it, along with what is out of date."""

    def __init__(self, servers, seed, rules):
        self._servers = servers
        self._rng = random.Random(f"preferences {seed}")
        self._rules = rules
        self._poison = load.examples("preferences")
        self._at = now()
        # The newest message of each, as it was sent.
        self.newest = {}

    async def introduce(self):
        """Returns when the table has all of them: an event finds its reader's wishes there, or none."""
        await self._send([self._say(user, reader, self._at) for user, reader in self._rules.readers.items()])
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            rows = await self._servers.sql("SELECT COUNT(*) FROM user_preferences")
            if rows == [[str(len(self._rules.readers))]]:
                return
            await asyncio.sleep(0.5)
        raise Broken(f"of {len(self._rules.readers)} readers the table knows {rows and rows[0][0]} after two minutes")

    async def stir(self, seconds):
        begun = time.monotonic()
        users = list(self._rules.readers)
        # In any order, and no two at the same time.
        times = iter(self._rng.sample(range(self._at - MINUTE, self._at), 10_000))
        while time.monotonic() < begun + seconds:
            await asyncio.sleep(1)
            records = [self._say(user, self._rules.readers[user], self._at) for user in self._rng.sample(users, 3)]
            # Who listened to this would send nothing any more.
            out_of_date = Reader(opted_out=tuple(TYPES), max_per_day=0)
            records += [self._say(user, out_of_date, self._at - SECOND) for user in self._rng.sample(users, 3)]
            for user in self._rng.sample(FICKLE, 2):
                records.append(self._say(user, Reader(max_per_day=self._rng.randint(1, 9)), next(times)))
            records.append((f"{POISON}{self._rng.random()}".encode(), self._rng.choice(self._poison)))
            await self._send(records)

    def _say(self, user, reader, at):
        message = reader.message(user, at)
        before = self.newest.get(user)
        if before is None or before["updated_at"] < message["updated_at"]:
            self.newest[user] = message
        return record_of(message)

    async def _send(self, records):
        await self._servers.produce(PREFERENCES, records)


def record_of(message):
    return str(message["user_id"]).encode(), json.dumps(message).encode()
