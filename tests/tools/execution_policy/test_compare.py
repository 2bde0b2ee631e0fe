"""A change that needs rights which the recorded or deployed policies lack."""

from pathlib import Path

import pytest

from stacks.core.rights import Condition, Rights, Statement
from tools.execution_policy import compare
from tools.execution_policy.compare import how_to_deploy, missing

QUEUES = "arn:${AWS::Partition}:sqs:us-east-1:${AWS::AccountId}:acme-*-test"


def statement(
    *actions: str, resource: str = QUEUES, condition: Condition | None = None
) -> Statement:
    found = Statement(Effect="Allow", Action=[*actions], Resource=[resource])
    if condition:
        found["Condition"] = condition
    return found


def rights(*execution: Statement, boundary: Statement | None = None) -> Rights:
    return Rights(boundary=[boundary] if boundary else [], drift=[], execution=[[*execution]])


LIMITED: Condition = {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}


@pytest.mark.parametrize(
    ("needed", "held", "lines"),
    [
        (rights(statement("sqs:A", "sqs:B")), rights(statement("sqs:A", "sqs:B")), []),
        (rights(statement("sqs:A")), rights(statement("sqs:A", resource="*")), []),
        (
            rights(statement("sqs:A", "sqs:B", "sqs:C")),
            rights(statement("sqs:A")),
            [f"sqs:B, sqs:C on {QUEUES}"],
        ),
        (
            rights(statement("sqs:A", resource="*")),
            rights(statement("sqs:A")),
            ["sqs:A on *"],
        ),
        (
            rights(statement("sqs:A")),
            rights(statement("sqs:A", condition=LIMITED)),
            [f"sqs:A on {QUEUES}"],
        ),
        (rights(statement("sqs:A", condition=LIMITED)), rights(statement("sqs:A")), []),
        (
            rights(boundary=statement("sqs:*")),
            rights(boundary=statement("sqs:A")),
            [f"sqs:* on {QUEUES} (for roles)"],
        ),
    ],
)
def test_each_missing_right_is_named(needed: Rights, held: Rights, lines: list[str]) -> None:
    assert missing(needed, held) == lines


def test_the_command_names_the_environment_that_deploys_the_policies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "SNAPSHOTS", tmp_path)
    assert how_to_deploy("dev").startswith('add "dev" to ENVIRONMENTS in the account')
    for name, deployed in {"account": "dev", "other": "prod"}.items():
        (tmp_path / name).mkdir()
        template = f'{{"ManagedPolicyName": "acme-boundary-{deployed}"}}'
        (tmp_path / name / "ExecutionStack.template.json").write_text(template)
    assert how_to_deploy("prod") == "uv run nox -s deploy -- --environment other --to aws"
    assert how_to_deploy("dev") == "uv run nox -s deploy -- --environment account --to aws"
