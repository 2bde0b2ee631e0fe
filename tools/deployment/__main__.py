"""`python -m tools.deployment VERB …`: what the nox sessions of the same names run."""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence

from tools import cdk
from tools.console import UserError, console, reports_errors
from tools.deployment import compare, deploy, destroy, serve
from tools.deployment.operation import Options
from tools.project import environments
from tools.synth import DEFAULT_ENVIRONMENT

VERBS: dict[str, Callable[[Options], int]] = {
    "bootstrap": deploy.bootstrap,
    "cloud": serve.serve,
    "deploy": deploy.deploy,
    "destroy": destroy.destroy,
    "diff": compare.diff,
    "drift": compare.drift,
}


def parse(arguments: Sequence[str]) -> Options:
    """Read the command line; flags that are not ours are the CDK CLI's."""
    verb = arguments[0] if arguments else ""
    parser = argparse.ArgumentParser(
        prog=f"nox -s {verb} --" if verb in VERBS else "python -m tools.deployment",
        epilog="Other flags go to the CDK CLI as they are; write --flag=value.",
        allow_abbrev=False,
    )
    parser.add_argument("verb", choices=sorted(VERBS), help=argparse.SUPPRESS)
    parser.add_argument(
        "stacks", nargs="*", metavar="STACK", help="ids, with * and ? as in cdk; none means all"
    )
    parser.add_argument("--to", metavar="aws|local", help="where; else it is found and said")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--environment", choices=environments(), default=DEFAULT_ENVIRONMENT)
    parser.add_argument("--app", metavar="DIR", help="a cloud assembly, instead of synthesizing")
    if verb == "destroy":
        parser.add_argument("--unprotect", action="store_true", help="protected stacks, too")
    if verb == "cloud":
        parser.add_argument("--port", type=int, default=0, help="where; 0 is a free one")
    known, rest = parser.parse_known_intermixed_args(arguments)
    # argparse leaves what stands behind a flag that it does not know.
    known.stacks += [word for word in rest if not word.startswith("-")]
    return Options(**vars(known), extra=tuple(word for word in rest if word.startswith("-")))


@reports_errors
def main(arguments: Sequence[str]) -> int:
    """Run one verb and return its exit status."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    options = parse(arguments)
    try:
        if wrong := cdk.unknown(options.verb, options.extra):
            raise UserError(
                f"There is no flag {', '.join(wrong)}. Ours are shown by: nox -s {options.verb} -- "
                f"--help, those of the CDK CLI by: cdk {options.verb} --help",
                2,
            )
        return VERBS[options.verb](options)
    except KeyboardInterrupt:
        console.print("Interrupted.")
        return 128 + signal.SIGINT


def _interrupt(*_: object) -> None:
    # Once: what is under way ends in order, the command first and then the local cloud.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
