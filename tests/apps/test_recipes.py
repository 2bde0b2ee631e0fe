"""The stacks in the recipes of docs/growing.md synthesize without findings."""

import re
from collections.abc import Callable

import aws_cdk as cdk
from aws_cdk.assertions import Template

from stacks.core.app import new_app
from stacks.core.base import DomainStack
from tests.support import ENVIRONMENT
from tools.project import ROOT

GROWING = ROOT / "docs" / "growing.md"


def example(class_name: str) -> Callable[..., DomainStack]:
    """A class from a code block of the recipes."""
    blocks = re.findall(r"^```python\n(.*?)^```$", GROWING.read_text(), re.DOTALL | re.MULTILINE)
    (code,) = [block for block in blocks if f"class {class_name}" in block]
    module: dict[str, Callable[..., DomainStack]] = {}
    exec(compile(code, str(GROWING), "exec"), module)  # noqa: S102 (the code of this repository)
    return module[class_name]


def test_a_table_is_named_protected_and_retained_without_findings() -> None:
    app = new_app()
    stack = example("PricesStack")(app, ENVIRONMENT)
    app.synth()  # fails on findings
    (table,) = Template.from_stack(stack).find_resources("AWS::DynamoDB::Table").values()
    assert table["Properties"]["TableName"] == ENVIRONMENT.resource_name("prices")
    assert table["Properties"]["DeletionProtectionEnabled"]
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    assert stack.termination_protection


def test_a_policy_of_a_domain_is_attached_to_an_imported_role() -> None:
    arn = cdk.Fn.import_value("identity:RoleArn")
    app = new_app()
    stack = example("AlertsStack")(app, ENVIRONMENT, role_arn=arn)
    app.synth()  # fails on findings
    template = Template.from_stack(stack)
    (policy,) = template.find_resources("AWS::IAM::ManagedPolicy").values()
    # IAM attaches a policy to a role by its name, the last part of the ARN.
    after_colons = {
        "Fn::Select": [5, {"Fn::Split": [":", {"Fn::ImportValue": "identity:RoleArn"}]}]
    }
    name = {"Fn::Select": [1, {"Fn::Split": ["/", after_colons]}]}
    assert policy["Properties"]["Roles"] == [name]
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == "ssm:GetParameter"
    assert template.find_resources("AWS::IAM::Role") == {}
