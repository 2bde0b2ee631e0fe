"""Stacks that left the code, renamed domains and projects, and the plan of a destroy."""

import itertools
from pathlib import Path

import boto3
import pytest

from tests.clouds import Done, Tools, type_answer
from tests.tools.deployment.assemblies import (
    TOPIC,
    Stack,
    create,
    importing,
    log_group,
    stack_name,
    status,
    write,
)
from tests.tools.deployment.end_to_end.conftest import Command
from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT

LOCAL = ("--to", "local")
NUMBERS = itertools.count(1)
KEPT = Stack({"One": TOPIC})

pytestmark = pytest.mark.usefixtures("entered_cloud")


@pytest.fixture
def name() -> str:
    """A project name that no other test uses."""
    return f"removed{next(NUMBERS)}"


def test_each_verb_names_a_stack_that_left_the_code(
    tools: Tools, here: dict[str, str], name: str, tmp_path: Path, commands: list[Command]
) -> None:
    create(name, "kept", KEPT)
    old = create(name, "old", KEPT)
    app = write(tmp_path, name, {"kept": KEPT})
    flags = f"--to local --environment {DEFAULT_ENVIRONMENT} --app {app}"
    for verb, expected in {"deploy": 0, "diff": 0, "drift": 1, "destroy": 0}.items():
        yes = ["--yes"] if verb == "destroy" else []
        done = tools(verb, *LOCAL, *yes, app=app, **here)
        assert done.status == expected, done.output
        assert f"{old} is deployed, but {app} does not have it." in done.output
        assert f"\n  uv run nox -s destroy -- {flags} {old}\n" in done.output
    assert status(old) == "CREATE_COMPLETE"
    # A command that names stacks, here by a CloudFormation name, is about these stacks.
    done = tools("diff", stack_name(name, "kept"), *LOCAL, app=app, **here)
    assert done.status == 0
    assert old not in done.output
    assert len(commands) == 3


def test_a_removed_stack_is_destroyed_by_its_name_and_its_data_is_retained(
    tools: Tools, here: dict[str, str], name: str, tmp_path: Path
) -> None:
    resources = {"Log": log_group(f"/{name}/old"), "One": TOPIC}
    old = create(name, "old", Stack(resources, is_protected=True))
    app = write(tmp_path, name, {"kept": KEPT})

    def destroy(*flags: str) -> Done:
        return tools("destroy", old, *LOCAL, *flags, app=app, **here)

    refused = destroy("--yes")
    assert refused.status == 1
    assert f"{old} was not deleted: it has termination protection" in refused.output
    declined = type_answer("n", app, "destroy", old, *LOCAL, "--unprotect", **here)
    assert declined.status == 1
    listed, _, asked = declined.output.partition(f"Destroy {old}")
    assert f"Will be retained: AWS::Logs::LogGroup /{name}/old" in listed
    assert "Will be deleted: AWS::SNS::Topic arn:" in listed
    assert "Nothing was done." in asked
    assert status(old) == "CREATE_COMPLETE"
    done = destroy("--yes", "--unprotect")
    assert done.status == 0, done.output
    assert "--import-existing-resources" not in done.output  # no stack in the code has it
    assert status(old) is None
    groups = boto3.client("logs").describe_log_groups(logGroupNamePrefix=f"/{name}/")["logGroups"]
    assert [group["logGroupName"] for group in groups] == [f"/{name}/old"]
    assert f"Stack {old!r} not found." in destroy().output


def test_an_unknown_stack_lists_the_removed_ones_and_a_protected_one_needs_a_flag(
    tools: Tools, here: dict[str, str], name: str, tmp_path: Path
) -> None:
    old = create(name, "old", Stack({"One": TOPIC}, is_protected=True))
    app = write(tmp_path, name, {"kept": KEPT})
    done = tools("destroy", "OldStack", *LOCAL, app=app, **here)
    assert done.status == 1
    assert done.output.endswith(f"{stack_name(name, 'kept')}), {old}.\n")
    done = tools("destroy", *LOCAL, "--yes", app=app, **here)
    assert done.output.endswith(f"{old} --unprotect\n")
    # A wildcard stands for stacks in the code only.
    done = tools("destroy", f"{name}-*", *LOCAL, "--yes", app=app, **here)
    assert f"{old} was not deleted" not in done.output


def test_a_stack_of_another_project_is_never_destroyed_but_announced_once(
    tools: Tools, here: dict[str, str], name: str, tmp_path: Path, commands: list[Command]
) -> None:
    other = create(f"{name}-x", "kept", KEPT)
    app = write(tmp_path, name, {"kept": KEPT})
    sentence = f"has stacks of another project name: {other}."
    done = tools("deploy", *LOCAL, app=app, **here)
    assert done.status == 0
    assert sentence in done.output
    assert "does not have it" not in done.output
    done = tools("destroy", other, *LOCAL, "--yes", app=app, **here)
    assert done.status == 1
    assert f"Stack {other!r} not found." in done.output
    create(name, "kept", KEPT)
    assert sentence not in tools("deploy", *LOCAL, app=app, **here).output
    assert len(commands) == 2


def test_a_renamed_domain_is_refused_before_anything_changes(
    tools: Tools, here: dict[str, str], name: str, tmp_path: Path, commands: list[Command]
) -> None:
    data = Stack({"Log": log_group(f"/{name}/data"), "One": TOPIC})
    old = create(name, "data", data)
    app = write(tmp_path, name, {"lake": data, "other": KEPT})
    done = tools("deploy", *LOCAL, app=app, **here)
    assert done.status == 1
    sentence = f"lake ({stack_name(name, 'lake')}) creates AWS::Logs::LogGroup /{name}/data, which"
    assert f"{sentence} the deployed stack {old} holds." in done.output
    assert done.output.endswith("Follow docs/changing.md#rename-a-domain.\n")
    # No other verb advises to delete the old stack.
    done = tools("destroy", *LOCAL, "--yes", app=app, **here)
    assert f"{sentence} the deployed stack {old} holds." in done.output
    assert commands == []
    assert tools("deploy", "other", *LOCAL, app=app, **here).status == 0


def test_a_destroy_plans_what_stays_and_then_follows_the_imports(
    tools: Tools, here: dict[str, str], name: str, tmp_path: Path
) -> None:
    def key(domain: str) -> str:
        return f"{stack_name(name, domain)}:Key"

    # The code knows no dependency, and its order is not the order of the imports.
    stacks = {
        "a": importing(key("b")),
        "b": Stack({"One": TOPIC}, {"Key": "b"}),
        "c": Stack({"One": TOPIC}, {"Key": "c"}),
        "d": Stack(importing(key("c")).resources, is_protected=True),
        "e": Stack({"One": TOPIC}, {"Key": "e"}),
        "f": Stack({"One": TOPIC}, dependencies=("e",)),
    }
    names = {domain: create(name, domain, stacks[domain]) for domain in "bacdef"}
    outside = create(f"outside-{name}", "any", importing(key("e")))
    app = write(tmp_path, name, stacks)
    done = tools("destroy", "e", *LOCAL, "--yes", app=app, **here)
    assert done.status == 1
    assert "Delet" not in done.output.replace("Delete that", "")
    done = tools("destroy", *LOCAL, "--yes", app=app, **here)
    assert done.status == 0, done.output
    plan, _, deletion = done.output.partition("Deleting ")
    assert f"d ({names['d']}) was not deleted: it has termination protection" in plan
    for domain, importer in {"c": names["d"], "e": outside}.items():
        assert f"{domain} ({names[domain]}) was not deleted: {importer} imports from it." in plan
    deleted = [line for line in deletion.splitlines() if line.startswith("Deleted ")]
    assert deleted == [f"Deleted {domain} ({names[domain]})." for domain in "fab"]
    assert [status(names[domain]) for domain in "cde"] == ["CREATE_COMPLETE"] * 3
