"""The faults of a run: what happens when, to whom. Drawn from the seed alone, before anything starts.

Faults stand in lanes. A lane does one at a time, in order; a fault that comes due while the one before it in its lane is
still being mended happens right after it, so that every fault of a plan happens. Lanes run beside each other: an instance
is killed while another is frozen and the broker is away.
"""

import math
import random
from dataclasses import dataclass, field

INSTANCES = 3

# How many of a kind in ten minutes, and at least in any run.
PROCESS = {"kill": (36, 3), "freeze": (8, 1), "stop": (8, 1)}
BROKER = {"kill broker": (2, 1), "restart broker": (2, 1), "hang broker": (1, 1)}
DATABASE = {"kill database": (2, 1), "restart database": (2, 1), "hang database": (1, 1)}
NETWORK = {
    f"{fault} {server}": (8, 1) for server in ("kafka", "database") for fault in ("cut", "blackhole", "deafen", "slow")
}

WORDS = {
    "kill": "SIGKILL, started again after {away} s",
    "freeze": "SIGSTOP for {away} s",
    "stop": "SIGTERM, started again after {away} s",
    "kill broker": "SIGKILL, started again after {away} s",
    "restart broker": "stopped in order, started again",
    "hang broker": "SIGSTOP for {away} s",
    "kill database": "SIGKILL, started again after {away} s",
    "restart database": "stopped in order, started again",
    "hang database": "SIGSTOP for {away} s",
    "cut": "every connection reset",
    "blackhole": "nothing gets through for {away} s, then {then}",
    "deafen": "answers are held for {away} s, then {then}",
    "slow": "{delay} ms for each {chunk} bytes, for {away} s",
}


@dataclass(frozen=True)
class Fault:
    at: float
    lane: str
    kind: str
    with_: dict = field(default_factory=dict)

    def __str__(self):
        words = WORDS.get(self.kind) or WORDS[self.kind.split()[0]]
        return f"{self.at:7.1f}  {self.lane:10} {self.kind:18} {words.format(**self.with_)}"


def draw(seed, minutes, lease):
    rng = random.Random(f"faults {seed} {minutes:g}")
    lanes = {}

    def share_out(kinds, names):
        """To each lane about as many of each kind as to the others."""
        turn = rng.randrange(len(names))
        for kind, (in_ten, least) in kinds.items():
            for _ in range(max(least, math.ceil(in_ten * minutes / 10) if minutes > 1 else least)):
                lanes.setdefault(names[turn % len(names)], []).append(kind)
                turn += 1

    share_out(PROCESS, [f"instance {n}" for n in range(1, INSTANCES + 1)])
    share_out(NETWORK, [f"network {n}" for n in range(1, INSTANCES + 1)])
    share_out(BROKER, ["broker"])
    share_out(DATABASE, ["database"])

    faults = []
    # The first seconds are left for the instances to come up, the last for the last fault to be felt.
    begin, end = 5.0, minutes * 60 - 5
    for lane, kinds in sorted(lanes.items()):
        rng.shuffle(kinds)
        width = (end - begin) / len(kinds)
        for i, kind in enumerate(kinds):
            at = round(begin + (i + rng.random() * 0.8) * width, 1)
            faults.append(Fault(at, lane, kind, particulars(rng, kind, lease)))
    return sorted(faults, key=lambda fault: (fault.at, fault.lane))


def particulars(rng, kind, lease):
    match kind.split()[0]:
        case "freeze":
            return {"away": round(lease + rng.uniform(0.5, 6), 1)}
        case "kill" | "stop":
            return {"away": round(rng.uniform(0, 4), 1)}
        case "hang":
            return {"away": round(rng.uniform(2, 2 * lease), 1)}
        case "blackhole" | "deafen":
            # An answer that comes late is another fault than one that never comes.
            return {"away": round(rng.uniform(1, 2 * lease), 1), "then": rng.choice(["let go", "cut"])}
        case "slow":
            return {
                "away": round(rng.uniform(3, 2 * lease), 1),
                "delay": rng.randint(5, 60),
                "chunk": rng.choice([200, 1000, 4000]),
            }
    return {}
