"""The rules of a run: what its readers want, what its settings allow, and what follows from both for one notification."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime

TYPES = [
    "achievement_reward", "point_earning", "challenge_completion", "bonus_opportunity", "streak_reward", "referral_bonus",
]  # fmt: skip
# What readers and events ask for, and the catalogue that it leads to.
LANGUAGES = {"en": "en", "es-MX": "es", "fr": "fr", "de": "de", "pt-BR": "pt-BR", "ja": "ja", "nl": "en"}
FALLBACK = "en"

# Minutes before UTC. None of them sets its clocks, so that nobody needs the database of zones to follow.
ZONES = {
    "Pacific/Honolulu": -600, "America/Phoenix": -420, "UTC": 0, "Africa/Lagos": 60, "Asia/Kolkata": 330,
    "Asia/Kathmandu": 345, "Asia/Tokyo": 540, "Australia/Brisbane": 600, "Pacific/Kiritimati": 840,
}  # fmt: skip

READERS = 5000
EPOCH = "1970-01-01T00:00:00Z"
SECOND, MINUTE, DAY = 1000, 60_000, 86_400_000
# No day ends within it, and no quiet hours but those that are meant to. A run is over by then.
AHEAD = 90 * MINUTE
MOST_MINUTES = 60
# After so long rules are evaluated again right before publishing (dispatch.recheck_after).
RECHECK = 60 * SECOND
# A row is planned before it is stored: quiet hours that begin in between were not seen.
GRACE = 60 * SECOND


@dataclass
class Reader:
    language: str | None = None
    timezone: str | None = None
    # From and to, in minutes of the day.
    quiet: tuple | None = None
    opted_out: tuple = ()
    max_per_day: int | None = None
    segments: tuple = ()

    @property
    def bound_to_a_clock(self):
        """Whether what is decided depends on the zone, so that events had better not name others."""
        return self.quiet is not None or self.max_per_day is not None

    def message(self, user_id, updated_at):
        said = {
            "user_id": user_id,
            "updated_at": text_of(updated_at),
            "language": self.language,
            "timezone": self.timezone,
            "quiet_hours": self.quiet and dict(zip(("from", "to"), map(clock, self.quiet))),
            "opted_out_types": list(self.opted_out),
            "max_per_day": self.max_per_day,
            "segments": list(self.segments),
        }
        return {name: value for name, value in said.items() if value not in (None, [])}


NOBODY_SAID = Reader()


@dataclass
class Rules:
    readers: dict = field(default_factory=dict)
    # What happens to what is over a cap: wait, drop or digest.
    over: str = "wait"
    # Quiet for the segment of that name, from and to in minutes of the day.
    owls: tuple = (0, 0)
    zones: list = field(default_factory=lambda: list(ZONES))
    # Reached by few readers in a minute, and by none in a day but those who want less than the settings allow.
    per_window: int = 2
    window: int = MINUTE
    per_window_of: dict = field(default_factory=lambda: {"bonus_opportunity": 1})
    per_day: int = 200
    ignore_from: int = 3
    digest_window: int = 4 * SECOND
    digest_most: int = 4
    digest_types: tuple = ("point_earning", "streak_reward")

    def settings(self):
        said = {
            "TOPICS__PREFERENCES": "user.preferences",
            "QUIET__SEGMENTS__OWLS": "-".join(map(clock, self.owls)),
            "CAPS__PER_WINDOW": self.per_window,
            "CAPS__WINDOW": f"{self.window // SECOND}s",
            "CAPS__PER_DAY": self.per_day,
            "CAPS__OVER": self.over,
            "DIGEST__MAX_PARTS": self.digest_most,
        }
        said |= {f"CAPS__TYPES__{kind.upper()}__PER_WINDOW": limit for kind, limit in self.per_window_of.items()}
        said |= {f"DIGEST__WINDOWS__{kind.upper()}": f"{self.digest_window // SECOND}s" for kind in self.digest_types}
        return {f"INQ_{name}": str(value) for name, value in said.items()}

    def reader(self, user_id):
        return self.readers.get(user_id, NOBODY_SAID)

    def language(self, event):
        said = event.get("language") or self.reader(event["user_id"]).language or FALLBACK
        return LANGUAGES[said]

    def offset(self, event):
        zone = event.get("timezone") or self.reader(event["user_id"]).timezone or "UTC"
        return ZONES[zone] * MINUTE

    def day(self, event, at):
        return (at + self.offset(event)) // DAY

    def is_urgent(self, event):
        return event["priority"] >= self.ignore_from

    def is_quiet(self, event, at):
        reader = self.reader(event["user_id"])
        hours = reader.quiet or (self.owls if "owls" in reader.segments else None)
        if hours is None or self.is_urgent(event):
            return False
        minute = (at + self.offset(event)) % DAY / MINUTE
        begin, end = hours
        return begin <= minute < end if begin < end else minute >= begin or minute < end

    def has_opted_out(self, event):
        return event["incentive_type"] in self.reader(event["user_id"]).opted_out

    def wants_none(self, event):
        return self.reader(event["user_id"]).max_per_day == 0 and not self.is_urgent(event)

    def a_day(self, user_id):
        own = self.reader(user_id).max_per_day
        return self.per_day if own is None else own

    def gathers(self, event):
        """Whether it waits for others, and joins those that wait."""
        return event["incentive_type"] in self.digest_types and "scheduled_at" not in event and self.may_gather(event, 0)

    def may_gather(self, event, at):
        """Whether it may be part of a digest, if it is stored then: what was to leave before leaves like any other."""
        own_time = "expires_at" in event or "deliver_between" in event or millis(event.get("scheduled_at", EPOCH)) > at
        types = TYPES if self.over == "digest" else self.digest_types
        return event["incentive_type"] in types and not own_time and not self.is_urgent(event)


def draw(seed, now, seconds, over):
    """The rules of a run whose load begins about `now` (milliseconds since 1970) and lasts so long."""
    owls = (minute_of(now - 270 * MINUTE), minute_of(now + 450 * MINUTE))

    def is_steady(offset):
        # Times of the day at which something begins or ends there.
        edges = (minute * MINUTE for minute in (0, *owls))
        return all((edge - now - offset) % DAY > AHEAD for edge in edges)

    zones = [name for name, offset in ZONES.items() if is_steady(offset * MINUTE)]
    rng = random.Random(f"readers {seed}")
    readers = {user: draw_reader(rng, now, seconds, zones) for user in range(1, READERS + 1) if rng.random() < 0.7}
    return Rules(readers, over, owls, zones)


def draw_reader(rng, now, seconds, zones):
    # Who names no zone goes by UTC, where it is not steady, too: what depends on it then only waits for less long.
    reader = Reader(timezone=rng.choice(zones))
    if rng.random() < 0.7:
        reader.language = rng.choice(list(LANGUAGES))
    local = now + ZONES[reader.timezone] * MINUTE
    chance = rng.random()
    if chance < 0.04:
        reader.quiet = (minute_of(local - 60 * MINUTE), minute_of(local + 240 * MINUTE))
    elif chance < 0.10:
        # They end in the middle of the run: what was held leaves in one moment.
        reader.quiet = (minute_of(local - 60 * MINUTE), minute_of(local + seconds * SECOND // 2 + MINUTE))
    elif chance < 0.16:
        # They begin in the middle of the run: it is further attempts that are held.
        reader.quiet = (minute_of(local + seconds * SECOND // 3 + MINUTE), minute_of(local + 240 * MINUTE))
    elif chance < 0.24:
        reader.segments = ("owls",)
    if rng.random() < 0.15:
        reader.opted_out = tuple(sorted(rng.sample(TYPES, rng.randint(1, 2))))
    chance = rng.random()
    if chance < 0.12:
        reader.max_per_day = 0 if chance < 0.01 else rng.randint(1, 3)
    return reader


def clock(minute):
    return f"{minute // 60:02}:{minute % 60:02}"


def minute_of(at):
    return at % DAY // MINUTE


def millis(text):
    """Of a time in a message, or in the database, which keeps UTC and does not say so."""
    time = datetime.fromisoformat(text)
    return round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)


def text_of(at):
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
