"""What the instances have to do: events of every kind, and a notification service that answers their requests."""

import asyncio
import hashlib
import json
import math
import random
import time
from datetime import UTC, datetime, timedelta

import rules
from checker import EVENTS, POISON, RESULTS
from world import MAX_ATTEMPTS, ROOT, end_group, record_of

LANGUAGES = list(rules.LANGUAGES)


def examples(of):
    """The schemas' own examples of what is wrong, as far as they can be sent through kcat's delimiters."""
    values = [path.read_bytes() for path in sorted((ROOT / "schemas/examples" / of / "invalid").glob("*.json"))]
    return [value for value in values if b"\x1e" not in value and b"\x1f" not in value]


class Producer:
    """Upstream: a stream of events that the seed decides, but for its times."""

    def __init__(self, servers, seed, rate, seconds):
        self._servers = servers
        self._rng = random.Random(f"events {seed}")
        self._rate = rate
        self._seconds = seconds
        self._poison = examples("event") + [b'{"event_id":"' + b"x" * 300_000 + b'"}']
        # What is sent again or only later: the second in which it is due, the record, and whose first record it is.
        self._later = []
        self.acknowledged = set()

    async def run(self):
        begun = time.monotonic()
        for second in range(self._seconds):
            await asyncio.sleep(max(0, begun + second - time.monotonic()))
            await self._produce(*self._chunk(second))
        chunk, ids = [], []
        self._add_what_is_due(math.inf, chunk, ids)
        if chunk:
            await self._produce(chunk, ids)

    async def _produce(self, chunk, ids):
        await self._servers.produce(EVENTS, chunk)
        self.acknowledged.update(ids)

    def _chunk(self, second):
        """The records of a second, and the events of which they are the first."""
        chunk, ids = [], []
        for i in range(self._rate):
            event = self._event(f"e-{second}-{i}")
            record = (str(event["user_id"]).encode(), json.dumps(event).encode())
            chunk.append(record)
            ids.append(event["event_id"])
            chance = self._rng.random()
            if chance < 0.03:
                chunk.append(record)
            elif chance < 0.06:
                self._later.append((second + self._rng.randint(2, 15), record, None))
            elif chance < 0.07:
                chunk.append((f"{POISON}{second}-{i}".encode(), self._rng.choice(self._poison)))
        self._add_what_is_due(second, chunk, ids)
        return chunk, ids

    def _add_what_is_due(self, second, chunk, ids):
        due = [(record, event_id) for at, record, event_id in self._later if at <= second]
        self._later = [(at, record, event_id) for at, record, event_id in self._later if at > second]
        chunk += [record for record, _ in due]
        ids += [event_id for _, event_id in due if event_id]

    def _event(self, event_id):
        rng = self._rng
        event = {
            "event_id": event_id,
            "user_id": rng.randint(1, 5000),
            "incentive_type": rng.choice(rules.TYPES),
            "priority": rng.randint(0, 4),
            "language": rng.choice(LANGUAGES),
            "incentive_data": {"points_earned": rng.randint(1, 500), "streak_count": rng.randint(1, 90)},
        }
        if rng.random() < 0.1:
            due = datetime.now(UTC) + timedelta(seconds=rng.uniform(1, 8))
            event["scheduled_at"] = due.isoformat(timespec="milliseconds")
        return event


class Notifier:
    """The notification service: reads what is committed, and what becomes of each request the seed decides."""

    def __init__(self, servers, seed):
        self._servers = servers
        self._seed = seed
        self._rng = random.Random(f"results {seed}")
        self._nonsense = examples("delivery-result")
        self._read_up_to = {}
        self._answers = asyncio.Queue()
        self._process = None
        self.seen = 0
        self.answered = 0

    async def run(self):
        try:
            await asyncio.gather(self._listen(), self._send())
        finally:
            if self._process:
                end_group(self._process)

    @property
    def idle(self):
        return self._answers.empty() and self.answered == self.seen

    async def _listen(self):
        while True:
            self._process = await self._servers.spawn(
                "kcat", "-C", "-J", "-q", "-u", "-E", "-t", "incentive.deliveries", "-o", "beginning",
                "-X", "isolation.level=read_committed", "-X", "fetch.wait.max.ms=100",
            )  # fmt: skip
            async for line in self._process.stdout:
                try:
                    self._take(record_of(line))
                except ValueError:
                    # Half a line, of a kcat that has ended. The next one begins anew.
                    break
            end_group(self._process)
            await self._process.wait()
            await asyncio.sleep(0.5)

    def _take(self, record):
        partition, offset = record["partition"], record["offset"]
        if offset > self._read_up_to.get(partition, -1):
            request = json.loads(record["payload"])
            self._read_up_to[partition] = offset
            self.seen += 1
            self._answers.put_nowait(request)

    async def _send(self):
        while True:
            requests = [await self._answers.get()]
            # A moment for more, so that one kcat carries many.
            await asyncio.sleep(0.3)
            while not self._answers.empty():
                requests.append(self._answers.get_nowait())
            records = [record for request in requests for record in self._answer(request)]
            if records:
                await self._servers.produce(RESULTS, records)
            self.answered += len(requests)

    def _answer(self, request):
        outcome = outcome_of(self._seed, request["event_id"], request["attempt"])
        if outcome == "silence":
            return
        key = str(request["user_id"]).encode()
        result = {name: request[name] for name in ("notification_id", "attempt", "user_id")}
        result["occurred_at"] = datetime.now(UTC).isoformat(timespec="milliseconds")

        def record(**fields):
            return key, json.dumps(result | fields).encode()

        if outcome == "delivered":
            answer = record(status="delivered", channel="push")
        else:
            answer = record(status="failed", retryable=outcome == "failed for now", error_code="chaos")
        yield answer
        chance = self._rng.random()
        if chance < 0.05:
            yield answer
        elif chance < 0.06:
            yield f"{POISON}{self.answered}".encode(), self._rng.choice(self._nonsense)
        elif outcome == "delivered" and chance < 0.3:
            yield record(status="opened")
            if chance < 0.15:
                yield record(status="clicked")


def outcome_of(seed, event_id, attempt):
    digest = hashlib.sha256(f"{seed} {event_id} {attempt}".encode()).digest()
    percent = int.from_bytes(digest[:4], "big") % 100
    if percent < 80:
        return "delivered"
    if percent < 92:
        return "failed for now"
    return "failed for good" if percent < 95 else "silence"


def fate(seed):
    """What the results must have led to: status and attempts, by event."""

    def of(event_id):
        for attempt in range(1, MAX_ATTEMPTS + 1):
            outcome = outcome_of(seed, event_id, attempt)
            if outcome != "failed for now":
                return ("failed" if outcome == "failed for good" else "sent"), attempt
        return "failed", MAX_ATTEMPTS

    return of
