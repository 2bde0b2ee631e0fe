"""Each verb's command line, with the CDK CLI flags that it passes on."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT
from tools.errors import UsageError
from tools.project import environments

ADOPT = "--import-existing-resources"
REVERT = "--revert-drift"
# More stacks at a time exceed CloudFormation's request limits.
CONCURRENCY = 8


class CdkFlag(NamedTuple):
    """A CDK CLI flag. A flag with a `metavar` takes a value."""

    name: str
    help: str
    metavar: str | None = None


CDK_FLAGS: Mapping[str, Sequence[CdkFlag]] = {
    "bootstrap": [
        CdkFlag("--cloudformation-execution-policies", "what CloudFormation may do", "ARN"),
        CdkFlag("--custom-permissions-boundary", "boundary for the bootstrap roles", "NAME"),
        CdkFlag("--qualifier", "default: the stacks' qualifier", "NAME"),
        CdkFlag("--template", "another bootstrap template", "FILE"),
        CdkFlag("--toolkit-stack-name", "default: CDKToolkit", "NAME"),
        CdkFlag("--trust", "account that may deploy here", "ACCOUNT"),
    ],
    "deploy": [
        CdkFlag("--force", "deploy without a change too; first roll back a failed stack"),
        CdkFlag(ADOPT, "adopt resources that exist already (AWS only)"),
        CdkFlag("--no-rollback", "keep the completed changes of a stack that fails"),
        CdkFlag("--outputs-file", "write the stack outputs as JSON", "FILE"),
        CdkFlag(REVERT, "undo changes made by hand (AWS only)"),
    ],
    "diff": [
        CdkFlag("--fail", "exit with status 1 if there is a difference"),
        CdkFlag("--method", "default: auto on AWS, template on the local cloud", "METHOD"),
    ],
}


@dataclass(frozen=True)
class Options:
    """The user's command line."""

    verb: str
    stacks: Sequence[str] = ()
    to: str | None = None
    yes: bool = False
    environment: str = DEFAULT_ENVIRONMENT
    app: str | None = None
    profile: str | None = None
    exclusively: bool = False
    unprotect: bool = False
    verbose: bool = False
    concurrency: int = CONCURRENCY
    port: int = 0
    cdk_flags: Sequence[str] = ()


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are like all others."""

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError` with the next command."""
        raise UsageError(f"{message}. To list the flags:\n  uv run {self.prog} --help")


def parse(verb: str, arguments: Sequence[str]) -> Options:
    """Parse a verb's command line; raise `UsageError` if it is wrong."""
    parser = _Parser(prog=f"nox -s {verb} --", allow_abbrev=False)
    if verb == "cloud":
        parser.add_argument("--port", type=int, default=0, help="default: any free port")
        parser.add_argument("--to", choices=["local"], help="AWS needs no server")
        _add_environment(parser)
    else:
        _add_flags(parser, verb)
    return Options(verb, **vars(parser.parse_intermixed_args(arguments)))


def _add_environment(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--environment",
        choices=environments(),
        default=DEFAULT_ENVIRONMENT,
        help=f"default: {DEFAULT_ENVIRONMENT}",
    )


def _add_flags(parser: argparse.ArgumentParser, verb: str) -> None:
    add = parser.add_argument
    add("stacks", nargs="*", metavar="STACK", help="ids; * and ? are wildcards; default: all")
    add(
        "--to",
        metavar="aws|local",
        help="target; default: WEALTH_OPS_TARGET, else AWS if there are credentials and you confirm"
        " it, else the local cloud",
    )
    add("--yes", "-y", action="store_true", help="do not ask for confirmation")
    _add_environment(parser)
    add("--app", "-a", metavar="DIR", help="cloud assembly; default: synthesize the environment")
    add("--profile", metavar="NAME", help="AWS profile; default: AWS_PROFILE")
    add("--exclusively", "-e", action="store_true", help="without dependencies or dependents")
    if verb == "destroy":
        add("--unprotect", action="store_true", help="also delete protected stacks")
    if verb in ("bootstrap", "deploy"):
        add("--verbose", action="store_true", help="show everything that cdk says")
    if verb == "deploy":
        limit = f"stacks deployed at a time; default: {CONCURRENCY}"
        add("--concurrency", type=int, default=CONCURRENCY, metavar="N", help=limit)
    parser.set_defaults(cdk_flags=[])
    for name, text, metavar in CDK_FLAGS.get(verb, ()):
        if metavar is None:
            add(name, dest="cdk_flags", action="append_const", const=name, help=text)
        else:
            form = f"{name}={{}}".format
            add(name, dest="cdk_flags", action="append", type=form, metavar=metavar, help=text)
    parser.epilog = f"The CDK CLI itself has more flags: uv run cdk {verb} --help"
