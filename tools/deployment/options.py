"""The options of the user: the cloud assembly, the stacks, and the folder of the local cloud."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from tools.assembly import StackArtifact, matching_ids, read_stacks, select
from tools.console import UserError
from tools.project import ROOT
from tools.synth import DEFAULT_ENVIRONMENT, synthesize


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
    if options.app is None:
        return synthesize(options.environment)
    folder = Path(options.app).resolve()
    if not (folder / "manifest.json").exists():
        raise UserError(f"--app {options.app}: the folder has no cloud assembly.", 2)
    for stack in read_stacks(folder):
        if (name := stack.tags.get("Environment")) != options.environment:
            raise UserError(
                f"--app {options.app}: {stack.id} belongs to the environment {name!r}, not to "
                f"{options.environment!r}. Choose the environment with --environment.",
                2,
            )
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


def cloud_directory() -> Path:
    """The folder of the local cloud: WEALTH_OPS_CLOUD, or `.cloud`."""
    return Path(os.environ.get("WEALTH_OPS_CLOUD", ROOT / ".cloud"))


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold the lock of this clone. Raises `UserError` while another operation holds the lock."""
    lock = cloud_directory() / "operation.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=0):
            yield
    except Timeout:
        raise UserError(
            "Another deploy, diff, drift or destroy is under way in this clone. Run the command "
            "again when it has ended."
        ) from None
