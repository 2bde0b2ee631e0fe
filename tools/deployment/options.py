"""Each verb's command line, with the CDK CLI flags that it passes on."""

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT
from tools.project import environments

ADOPT = "--import-existing-resources"
REVERT = "--revert-drift"
# The CDK CLI flags of each verb, with their help.
CDK_FLAGS: Mapping[str, Mapping[str, str]] = {
    "bootstrap": {
        "--cloudformation-execution-policies=ARN": "what CloudFormation may do",
        "--custom-permissions-boundary=NAME": "boundary for the bootstrap roles",
        "--qualifier=NAME": "default: the stacks' qualifier",
        "--template=FILE": "another bootstrap template",
        "--toolkit-stack-name=NAME": "default: CDKToolkit",
        "--trust=ACCOUNT": "account that may deploy here",
    },
    "deploy": {
        "--force": "deploy without a change too; first roll back a failed stack",
        ADOPT: "adopt resources that exist already",
        REVERT: "undo changes made by hand (AWS only)",
    },
    "diff": {
        "--fail": "exit with status 1 if there is a difference",
    },
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
    port: int = 0
    cdk_flags: Sequence[str] = ()


def parse(verb: str, arguments: Sequence[str]) -> Options:
    """Parse a verb's command line. Exits with status 2 if it is wrong, as argparse does."""
    parser = ArgumentParser(prog=f"nox -s {verb} --", allow_abbrev=False)
    parser.add_argument(
        "--environment",
        choices=environments(),
        default=DEFAULT_ENVIRONMENT,
        help=f"default: {DEFAULT_ENVIRONMENT}",
    )
    if verb == "cloud":
        parser.add_argument("--port", type=int, default=0, help="default: any free port")
    else:
        _add_flags(parser, verb)
        _add_cdk_flags(parser, verb)
    return Options(verb, **vars(parser.parse_intermixed_args(arguments)))


def _add_flags(parser: ArgumentParser, verb: str) -> None:
    add = parser.add_argument
    help_text = "ids or names; * and ? are wildcards; default: all"
    add("stacks", nargs="*", metavar="STACK", help=help_text)
    add(
        "--to",
        metavar="aws|local",
        help="target; default: WEALTH_OPS_TARGET, else AWS if there are credentials and you confirm"
        " it, else the local cloud",
    )
    add("--yes", "-y", action="store_true", help="do not ask for confirmation")
    add("--app", "-a", metavar="DIR", help="cloud assembly; default: synthesize the environment")
    add("--profile", metavar="NAME", help="AWS profile; default: AWS_PROFILE")
    add("--exclusively", "-e", action="store_true", help="without dependencies or dependents")
    if verb == "destroy":
        add("--unprotect", action="store_true", help="also delete protected stacks")
    if verb in ("bootstrap", "deploy"):
        add("--verbose", action="store_true", help="show everything that cdk says")


def _add_cdk_flags(parser: ArgumentParser, verb: str) -> None:
    parser.epilog = f"The CDK CLI itself has more flags: uv run cdk {verb} --help"
    parser.set_defaults(cdk_flags=[])
    for flag, text in CDK_FLAGS.get(verb, {}).items():
        name, _, metavar = flag.partition("=")
        if metavar:
            form = f"{name}={{}}".format
            parser.add_argument(
                name, dest="cdk_flags", action="append", type=form, metavar=metavar, help=text
            )
        else:
            parser.add_argument(
                name, dest="cdk_flags", action="append_const", const=name, help=text
            )
