"""`python -m tools.deployment VERB …`: what the nox session named after the verb runs."""

import signal
import sys
from collections.abc import Callable, Mapping, Sequence

from tools.console import say
from tools.deployment import bootstrap, cloud, deploy, destroy, diff, drift
from tools.deployment.options import Options, parse
from tools.errors import UsageError, reports_errors

VERBS: Mapping[str, Callable[[Options], int]] = {
    "bootstrap": bootstrap.bootstrap,
    "cloud": cloud.serve,
    "deploy": deploy.deploy,
    "destroy": destroy.destroy,
    "diff": diff.diff,
    "drift": drift.drift,
}


@reports_errors
def main(arguments: Sequence[str]) -> int:
    """Run one verb and return its exit status."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    verb = arguments[0] if arguments else ""
    if verb not in VERBS:
        raise UsageError(f"Unknown verb {verb!r}. Known verbs: {', '.join(VERBS)}.")
    try:
        return VERBS[verb](parse(verb, arguments[1:]))
    except KeyboardInterrupt:
        say("Interrupted.")
        return 128 + signal.SIGINT


def _interrupt(*_: object) -> None:
    # Ignore further signals: a second exception would interrupt the local cloud while it stops, or
    # leave a stack without termination protection.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
