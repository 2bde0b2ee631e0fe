"""What CloudFormation returns about deployed stacks; end_to_end/ has the rest."""

from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from tests.tools.deployment.conftest import ACCOUNT, DATA, refused
from tools.deployment.deployed import DeployedStacks, UnreadableError
from tools.deployment.target import Target


def deployed(monkeypatch: pytest.MonkeyPatch, **answers: Mock) -> DeployedStacks:
    """The stacks of an account whose client gives `answers`."""
    monkeypatch.setattr(DeployedStacks, "client", lambda *_: Mock(**answers))
    return DeployedStacks(Target("aws", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root"))


@pytest.mark.parametrize(
    ("body", "template"),
    [
        ("Resources: {A: {Type: B}}", {"Resources": {"A": {"Type": "B"}}}),
        ("Resources: {A: {Type: B}, A: {Type: B}}", None),
    ],
)
def test_a_deployed_template_may_be_yaml(
    monkeypatch: pytest.MonkeyPatch, body: str, template: object
) -> None:
    get_template = Mock(return_value={"TemplateBody": body})
    assert deployed(monkeypatch, get_template=get_template).template(DATA) == template


@pytest.mark.parametrize(
    ("code", "error"), [("AccessDenied", UnreadableError), ("Throttling", ClientError)]
)
def test_a_refused_request_does_not_mean_that_nothing_imports(
    monkeypatch: pytest.MonkeyPatch, code: str, error: type[Exception]
) -> None:
    pages = Mock(side_effect=refused(code))
    stacks = deployed(monkeypatch, get_paginator=Mock(return_value=Mock(paginate=pages)))
    with pytest.raises(error, match=code):
        stacks.importers(DATA, "any")


def test_a_resource_that_a_failed_stack_retained_is_not_in_the_stack(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    states = ("CREATE_COMPLETE", "DELETE_SKIPPED", "DELETE_COMPLETE", "DELETE_FAILED")
    page = {"StackResourceSummaries": [{"ResourceStatus": state} for state in states]}
    paginator = Mock(paginate=Mock(return_value=[page]))
    found = deployed(monkeypatch, get_paginator=Mock(return_value=paginator)).resources(DATA)
    assert [each["ResourceStatus"] for each in found] == ["CREATE_COMPLETE", "DELETE_FAILED"]
