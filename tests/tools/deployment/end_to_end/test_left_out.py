"""A local operation leaves out the stacks that the local cloud cannot create."""

from pathlib import Path

import pytest

from tests.clouds import Tools
from tests.tools.deployment.assemblies import Stack, stack_name, write
from tests.tools.deployment.end_to_end.conftest import Command
from tools.local_cloud.client import ACCOUNT

TOPIC, BUDGET = "AWS::SNS::Topic", "AWS::Budgets::Budget"
# Each stack's resource type and dependencies.
STACKS = {
    "Good": (TOPIC, []),
    "Budget": (BUDGET, []),
    "Alarm": (TOPIC, ["Budget", "Good"]),
    "Report": (TOPIC, ["Alarm"]),
    "Trail": ("AWS::CloudTrail::Trail", []),
}
REASONS = {
    "Budget": f"the local cloud has no {BUDGET}",
    "Alarm": "it depends on Budget",
    "Report": "it depends on Alarm",
    "Trail": "the local cloud has no AWS::CloudTrail::Trail",
}


def left_out(*names: str) -> list[str]:
    """The line for each stack that is left out."""
    return [f"{name} ({stack_name('mixed', name)}) is left out: {REASONS[name]}." for name in names]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A cloud assembly with `STACKS`."""
    stacks = {
        name: Stack({"One": {"Type": kind}}, dependencies=tuple(dependencies))
        for name, (kind, dependencies) in STACKS.items()
    }
    return write(tmp_path, "mixed", stacks)


@pytest.mark.parametrize("verb", ["deploy", "diff"])
def test_the_other_stacks_are_deployed_and_compared(
    tools: Tools, here: dict[str, str], mixed: Path, commands: list[Command], verb: str
) -> None:
    status, output = tools(verb, "--to", "local", app=mixed, **here)
    assert status == 0
    (command,) = commands
    assert {*command} & STACKS.keys() == {"Good"}
    lines = output.splitlines()
    assert lines[2:6] == left_out("Budget", "Trail", "Alarm", "Report")
    table = output.partition("Status, name or ARN")[2]
    for name, reason in REASONS.items():
        assert (f"{name} ({stack_name('mixed', name)})" in table) is (verb == "deploy")
        assert (f"left out: {reason}" in table) is (verb == "deploy")


def test_drift_ignores_them(
    tools: Tools, here: dict[str, str], mixed: Path, commands: list[Command]
) -> None:
    status, output = tools("drift", "--to", "local", app=mixed, **here)
    assert status == 1
    assert commands == []
    assert (
        f"No stack is deployed. Run in the account {ACCOUNT} ({stack_name('mixed', 'Good')} in "
        in output
    )
    assert "is not deployed" not in output


@pytest.mark.parametrize("verb", ["deploy", "diff", "drift"])
def test_nothing_is_done_if_every_named_stack_is_left_out(
    tools: Tools, here: dict[str, str], mixed: Path, commands: list[Command], verb: str
) -> None:
    # Good, a dependency of the stack Alarm, was not named.
    status, output = tools(verb, "Alarm", "Tr*", "--to", "local", app=mixed, **here)
    assert (status, commands) == (1, [])
    error = " ".join([*left_out("Budget", "Trail", "Alarm"), "Nothing was done."])
    assert output.splitlines()[2:] == [f"{error} Select AWS with --to aws."]


def test_a_named_stack_is_deployed_if_another_one_is_left_out(
    tools: Tools, here: dict[str, str], mixed: Path, commands: list[Command]
) -> None:
    status, output = tools("deploy", "Good", "Budget", "--to", "local", app=mixed, **here)
    assert status == 0
    assert {*commands[0]} & STACKS.keys() == {"Good"}
    assert left_out("Budget")[0] in output
    assert "Trail" not in output


def test_aws_leaves_no_stack_out(
    tools: Tools, unbootstrapped: dict[str, str], mixed: Path, commands: list[Command]
) -> None:
    status, output = tools("deploy", "--to", "aws", "--yes", app=mixed, **unbootstrapped)
    assert status == 0
    assert {*commands[0]} >= STACKS.keys()
    assert "left out" not in output


def test_destroy_looks_for_every_stack(
    tools: Tools, here: dict[str, str], mixed: Path, commands: list[Command]
) -> None:
    # It may have been deployed before it got the missing type.
    status, output = tools("destroy", "--to", "local", "--yes", app=mixed, **here)
    assert (status, commands) == (0, [])
    for name in STACKS:
        assert f"{name} ({stack_name('mixed', name)}) does not exist." in output
