"""Environment variables without AWS, and their replacement."""

import os
from pathlib import Path

import pytest

from tools.variables import replaced_variables, without_aws


def test_without_aws_removes_the_users_aws_configuration() -> None:
    kept = without_aws(
        {"PATH": "/bin", "AWS_PROFILE": "work", "AWS_REGION": "x", "https_proxy": "p", "CDK_A": "1"}
    )
    assert kept.keys() == {
        "PATH",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_EC2_METADATA_DISABLED",
    }
    assert not Path(kept["AWS_CONFIG_FILE"]).exists()


def test_the_variables_are_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE", "1")
    before = dict(os.environ)
    with replaced_variables({"PATH": "/bin", "TWO": "2"}):
        assert dict(os.environ) == {"PATH": "/bin", "TWO": "2"}
    assert dict(os.environ) == before
