"""The faults: each starts something on a round's cloud, breaks it, and says when it did."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from random import Random

from tests.faults.disk import full_disk
from tests.faults.ground import STACKS
from tests.faults.moments import ANY, BETWEEN, reach
from tests.faults.round import SERVER, FaultError, Round, wait_for
from tests.faults.tampering import tamper

CLI, TOOLS = "aws-cdk/bin/cdk", "-m tools.deployment"
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)

# Draws what it needs, does it to a deploy of `assembly`, and returns the moment.
Fault = Callable[[Round, Random, str], str]


def kill(what: str, signals: tuple[signal.Signals, ...], moments: dict[str, float]) -> Fault:
    """A signal to the process `what` of a deploy."""

    def fault(round_: Round, random: Random, assembly: str) -> str:
        number = random.choice(signals)
        deploy = round_.start("deploy", assembly)
        moment = reach(deploy, random, moments)
        if what == TOOLS:
            found = [deploy.process.pid] if deploy.process.poll() is None else []
        else:
            # It may not have been started yet.
            wait_for(lambda: round_.processes(what) or deploy.process.poll() is not None)
            found = round_.processes(what)
        for process in found:
            with suppress(ProcessLookupError):
                os.kill(process, number)
        deploy.wait()
        if "Traceback" in deploy.said():
            raise FaultError(f"the deploy broke off:\n{deploy.said()}")
        return f"{number.name} {moment}{'' if found else ', too late'}"

    return fault


def failing_stack(round_: Round, random: Random, assembly: str) -> str:
    """One of the first two stacks fails."""
    del assembly
    stack = random.choice(STACKS[:2])
    _fail(round_, stack)
    return stack


def failing_third_stack(round_: Round, random: Random, assembly: str) -> str:
    """The third stack fails; what was done to the first two must be saved."""
    del random, assembly
    *others, third = STACKS
    said = _fail(round_, third)
    if not all(f"✅  {stack}" in said for stack in others) or f"✅  {third}" in said:
        raise FaultError(f"not only the third stack failed:\n{said}")
    # Another deploy sees only what this one saved.
    round_.check_done("changed", *others)
    return third


def _fail(round_: Round, stack: str) -> str:
    status, said = round_.run("deploy", f"broken-{stack}")
    # 1 is what `cdk deploy` ends with.
    if status != 1 or "The deploy failed; what it had done stays" not in said:
        raise FaultError(f"a deploy with a broken {stack} ended with {status}:\n{said}")
    return said


def two_at_once(round_: Round, random: Random, assembly: str) -> str:
    """A second deploy must say that there is a first, and leave it alone."""
    first = round_.start("deploy", assembly)
    moment = reach(first, random, {"Preparing": 2.0})
    status, said = round_.run("deploy", assembly)
    if status != 1 or "Another deploy, diff, drift or destroy is under way" not in said:
        raise FaultError(f"the second of two deploys ended with {status}:\n{said}")
    if status := first.wait():
        raise FaultError(f"the first of two deploys ended with {status}:\n{first.said()}")
    return moment


FAULTS: dict[str, Fault] = {
    "CDK CLI ended": kill(CLI, SIGNALS, ANY),
    "tools ended": kill(TOOLS, SIGNALS, ANY),
    "cloud killed between stacks": kill(SERVER, (signal.SIGKILL,), BETWEEN),
    "cloud killed": kill(SERVER, (signal.SIGKILL,), ANY),
    "cloud ended between stacks": kill(SERVER, (signal.SIGTERM,), BETWEEN),
    "cloud ended": kill(SERVER, (signal.SIGTERM,), ANY),
    "disk full": full_disk,
    "a stack fails": failing_stack,
    "the third stack fails": failing_third_stack,
    "two deploys at once": two_at_once,
    "tampered with": tamper,
}
