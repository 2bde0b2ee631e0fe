"""Break deploys to throw-away local clouds at random moments, and see that nothing is lost.

`uv run nox -s faults -- --rounds 100 --seed 1`; `--only 17` repeats that round of the same seed.
"""

import argparse
import os
import re
import shutil
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from rich.table import Table

from tests.faults.cases import FAULTS
from tests.faults.ground import check_data, prepare
from tests.faults.round import MARK, FaultError, Round
from tools.console import console
from tools.local_cloud.client import local_cloud

AGAIN = ("try again when it has", "Run it again when that one has ended")
ASIDE = re.compile(r"put this one aside: mv (\S+) (\S+)")


@dataclass(frozen=True)
class Outcome:
    """What a round did, and how it went; `trouble` is what was wrong."""

    number: int
    fault: str
    moment: str
    outcome: str
    seconds: float
    trouble: str = ""


def play(ground: Path, seed: int, number: int) -> Outcome:
    """One round, drawn from seed and number alone."""
    begin = time.monotonic()
    random = Random(f"{seed}:{number}")  # noqa: S311 (to be repeated)
    fault = sorted(FAULTS)[number % len(FAULTS)]
    deployed = fault == "tampered with" or random.random() < 0.5
    assembly = "changed" if deployed and fault != "tampered with" else "plain"
    at_once = random.random() < 0.3
    moment, outcome, trouble = "?", "failed", ""
    with tempfile.TemporaryDirectory(dir=ground) as folder:
        round_ = Round(ground, Path(folder) / "cloud", f"{os.getpid()}-{number}")
        shutil.copytree(ground / ("deployed" if deployed else "begun"), round_.cloud)
        os.environ[MARK] = round_.name
        try:
            moment = FAULTS[fault](round_, random, assembly)
            moment += f" ({'update' if deployed else 'create'}{', at once' if at_once else ''})"
            if not at_once:
                round_.check_orphans()
            outcome = recover(round_, assembly, deployed=deployed)
            round_.check_orphans()
        except FaultError as failure:
            trouble = str(failure)
        except Exception as error:  # noqa: BLE001 (one round is not the end of the others)
            trouble = repr(error)
        finally:
            round_.kill_all()
    return Outcome(number, fault, moment, outcome, time.monotonic() - begin, trouble)


def recover(round_: Round, assembly: str, *, deployed: bool) -> str:
    """Deploy until nothing is left to do, following what is said; return how that went."""
    status, said = round_.run("deploy", assembly)
    how = "converged"
    while status and any(words in said for words in AGAIN):
        how = "converged when asked again, as told"
        if round_.count > 20:
            raise FaultError(f"still told to try again:\n{said}")
        time.sleep(0.5)
        status, said = round_.run("deploy", assembly)
    if status and (aside := ASIDE.search(said)):
        with local_cloud(round_.cloud) as running, running.entered():
            check_data(deployed=deployed)
        Path(aside[1]).rename(aside[2])
        round_.succeed("deploy", assembly)
        return "converged beside the cloud put aside, as told"
    if status:
        raise FaultError(f"the next deploy ended with {status}:\n{said}")
    with local_cloud(round_.cloud) as running, running.entered():
        round_.check_done(assembly)
        check_data(deployed=deployed)
    return how


def main() -> int:
    """Play the rounds and print a line for each, then a summary; 1 if any failed."""
    parser = argparse.ArgumentParser(prog="nox -s faults --")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=None, help="else one is drawn, and said")
    parser.add_argument("--only", type=int, help="this round alone")
    parser.add_argument("--jobs", type=int, default=2, help="rounds at a time")
    options = parser.parse_args()
    seed = time.time_ns() % 10_000 if options.seed is None else options.seed
    numbers = range(options.rounds) if options.only is None else [options.only]
    begin = time.monotonic()
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        prepare(Path(folder))
        with ProcessPoolExecutor(options.jobs) as pool:
            for done in pool.map(partial(play, Path(folder), seed), numbers):
                outcomes.append(done)
                line = f"{done.number:4} {done.fault} · {done.moment} · {done.outcome}"
                console.print(f"{line} · {done.seconds:.1f} s", markup=False, soft_wrap=True)
                if done.trouble:
                    console.print(done.trouble, style="red", markup=False, soft_wrap=True)
    summary(outcomes, seed, time.monotonic() - begin)
    return int(any(done.trouble for done in outcomes))


def summary(outcomes: list[Outcome], seed: int, seconds: float) -> None:
    """Print how often each fault ended how."""
    table = Table("Fault", "Outcome", "Rounds", title=f"Seed {seed}, {seconds:.0f} s")
    kinds = [(done.fault, done.outcome) for done in outcomes]
    for kind in sorted(set(kinds)):
        table.add_row(*kind, str(kinds.count(kind)))
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
