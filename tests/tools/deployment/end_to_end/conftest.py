"""A CDK CLI that does nothing."""

import pytest

from tools.cdk_cli.cdk import Done
from tools.deployment.deployment import Deployment

Command = tuple[str, ...]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[Command]:
    """Replace the CDK CLI by one that succeeds; return its command lines."""
    noted: list[Command] = []

    def note(_: Deployment, step: str, *words: str, hidden: object = None) -> Done:
        del step, hidden
        noted.append(words)
        return Done(0, "")

    monkeypatch.setattr(Deployment, "cdk", note)
    return noted
