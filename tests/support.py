"""Helpers that tests import: an environment of their own, an app, export checks, hypothesis.

Tests of the tools import this module too: importing it loads neither the CDK nor hypothesis.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stacks.core.environment import Environment

if TYPE_CHECKING:
    import aws_cdk as cdk

# Differs from the default in every setting: a test that passes with it does not depend on the
# project's or the default environment's name.
ENVIRONMENT = Environment(
    project="acme", name="test", region="eu-central-1", account="111122223333"
)


def new_test_app() -> "cdk.App":
    """An app without cdk-nag: its rules take longer to load than the stacks to build."""
    from stacks.core.app import new_app

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEALTH_OPS_CDK_NAG", "off")
        return new_app()


def load_hypothesis_profile() -> None:
    """Set the number of examples of the property tests of a module: 200.

    `HYPOTHESIS_PROFILE=long uv run nox -s "test(storage)"` tries 10,000.
    """
    from hypothesis import settings

    settings.register_profile("default", max_examples=200, deadline=None)
    settings.register_profile("long", max_examples=10_000, deadline=None)
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def export_faults(published: set[str], declared: set[str], reviewed: Path) -> list[str]:
    """The differences between a stack's exports, its exports.py and its exports.txt.

    Each export is given by its key, the part of its name after the stack's name: the names hold the
    project and the environment, and are recorded in snapshots/.
    """
    lines = set(reviewed.read_text().split()) if reviewed.exists() else set()
    return [
        *(f"{key}: declared in exports.py, but not published." for key in declared - published),
        *(
            f"{key}: published, but not in {reviewed}. Add this line: other stacks may then import "
            "the export."
            for key in published - lines
        ),
        *(
            f"{key}: in {reviewed}, but not published. Stacks that import the export could no "
            "longer be deployed, and CloudFormation refuses to remove an export that is imported. "
            "Publish it again. Delete the line only if no stack imports the export."
            for key in lines - published
        ),
    ]
