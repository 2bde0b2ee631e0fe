"""The options of the user, and the cloud assembly and the stacks that they select."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.cdk_cli.assembly import StackArtifact, matching_ids, read_stacks, select
from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT, check_environment, synthesize
from tools.errors import UsageError, UserError
from tools.project import ROOT


@dataclass(frozen=True)
class Options:
    """The command line of the user."""

    verb: str
    stacks: Sequence[str] = ()
    to: str | None = None
    yes: bool = False
    environment: str = DEFAULT_ENVIRONMENT
    app: str | None = None
    profile: str | None = None
    exclusively: bool = False
    unprotect: bool = False
    port: int = 0
    extra: tuple[str, ...] = ()


def find_assembly(options: Options) -> Path:
    """The cloud assembly of --app, or a new one of the environment.

    Raises `UserError` if the folder of --app has no assembly of the environment.
    """
    name = options.environment
    if options.app is None:
        # Another session, such as `nox -s synth`, must not replace the assembly during a deploy.
        return synthesize(name, output=ROOT / "build" / "deploy" / name)
    folder = Path(options.app).resolve()
    if not (folder / "manifest.json").exists():
        raise UsageError(f"--app {options.app}: the folder has no cloud assembly.")
    fix = "Choose the environment with --environment {}."
    check_environment(name, read_stacks(folder), f"--app {options.app}", fix)
    return folder


def select_stacks(
    options: Options, stacks: list[StackArtifact], *, dependents: bool
) -> list[StackArtifact]:
    """The stacks that the options name, with their dependencies or dependents."""
    try:
        if options.exclusively:
            ids = matching_ids(stacks, options.stacks)
            return [stack for stack in stacks if stack.id in ids]
        return select(stacks, options.stacks, dependents=dependents)
    except UserError as error:
        if all("=" in flag for flag in options.extra):
            raise
        raise UserError(
            f"{error} Write the value of a flag of the CDK CLI as --flag=value.", error.status
        ) from error
