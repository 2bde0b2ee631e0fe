"""`python -m tools.deployment VERB …`: the command of the nox session with the name of the verb."""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence

from tools.cdk_cli import cdk
from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT
from tools.console import say
from tools.deployment import compare, deploy, destroy, serve
from tools.deployment.options import Options
from tools.errors import UsageError, reports_errors
from tools.project import environments

VERBS: dict[str, Callable[[Options], int]] = {
    "bootstrap": deploy.bootstrap,
    "cloud": serve.serve,
    "deploy": deploy.deploy,
    "destroy": destroy.destroy,
    "diff": compare.diff,
    "drift": compare.drift,
}
# Flags with which the CDK CLI would use another principal, region or network than boto3, or that
# have no effect here.
REFUSED = {
    "--all": "without stack names, all stacks are selected",
    "--ca-bundle-path": "set AWS_CA_BUNDLE instead",
    "--context": "set the context in apps/ENVIRONMENT/app.py or cdk.json",
    "--output": "the folder of the cloud assembly is fixed; --app selects another",
    "--proxy": "set HTTPS_PROXY instead",
    "--region": "set the region in apps/ENVIRONMENT/app.py",
    "--require-approval": "`deploy` asks once; `uv run nox -s diff` shows the changes",
    "--role-arn": "choose the principal with --profile=NAME or AWS_PROFILE",
}
_SHORT = {"-c": "--context", "-o": "--output", "-r": "--role-arn"}


def parse(arguments: Sequence[str]) -> Options:
    """Parse the command line. Unknown flags are flags of the CDK CLI."""
    verb = arguments[0] if arguments else ""
    parser = argparse.ArgumentParser(
        prog=f"nox -s {verb} --" if verb in VERBS else "python -m tools.deployment",
        allow_abbrev=False,
    )
    parser.add_argument("verb", choices=sorted(VERBS), help=argparse.SUPPRESS)
    if verb == "cloud":
        parser.add_argument("--port", type=int, default=0, help="default: any free port")
        parser.add_argument("--to", choices=["local"], help="target; AWS needs no server")
        return Options(**vars(parser.parse_args(arguments)))
    parser.epilog = "Other flags are passed to the CDK CLI; write --flag=value."
    parser.add_argument(
        "stacks",
        nargs="*",
        metavar="STACK",
        help="stack ids, with the wildcards * and ?; default: all",
    )
    parser.add_argument("--to", metavar="aws|local", help="target; default: see docs/deploying.md")
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask for confirmation")
    parser.add_argument(
        "--environment",
        choices=environments(),
        default=DEFAULT_ENVIRONMENT,
        help=f"default: {DEFAULT_ENVIRONMENT}",
    )
    parser.add_argument("--app", "-a", metavar="DIR", help="folder of a cloud assembly")
    parser.add_argument("--profile", metavar="NAME", help="profile of the AWS configuration")
    parser.add_argument(
        "--exclusively", "-e", action="store_true", help="without dependencies or dependents"
    )
    if verb == "destroy":
        parser.add_argument("--unprotect", action="store_true", help="delete protected stacks")
    known, rest = parser.parse_known_intermixed_args(arguments)
    # argparse returns the stacks after an unknown flag as unknown arguments.
    known.stacks += [word for word in rest if not word.startswith("-")]
    return Options(**vars(known), extra=tuple(word for word in rest if word.startswith("-")))


def check_flags(options: Options) -> None:
    """Raise `UserError` for a flag of the CDK CLI that is unknown or not supported."""
    names = [flag.partition("=")[0] for flag in options.extra]
    for name in names:
        if reason := REFUSED.get(_SHORT.get(name, name)):
            raise UsageError(f"{name} is not supported: {reason}.")
    if unknown := cdk.unknown(options.verb, options.extra):
        raise UsageError(
            f"Unknown flag: {', '.join(unknown)}. To list the flags of this session and of the CDK "
            f"CLI: uv run nox -s {options.verb} -- --help; uv run cdk {options.verb} --help"
        )


@reports_errors
def main(arguments: Sequence[str]) -> int:
    """Run one verb and return its exit status."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    options = parse(arguments)
    try:
        check_flags(options)
        return VERBS[options.verb](options)
    except KeyboardInterrupt:
        say("Interrupted.")
        return 128 + signal.SIGINT


def _interrupt(*_: object) -> None:
    # Ignore further signals: a second exception would interrupt the stop of the local cloud.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
