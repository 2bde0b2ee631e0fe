"""The examples in the recipes of docs/growing.md work."""

import re
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from stacks.core import bundle
from stacks.core.app import new_app
from stacks.core.base import DomainStack
from tests.stacks import ENVIRONMENT, new_test_app
from tools.project import ROOT

GROWING = ROOT / "docs" / "growing.md"


def run_example(text: str, **names: object) -> dict[str, Any]:
    """Run the code block that contains `text` in the recipes; return its names."""
    blocks = re.findall(r"^```python\n(.*?)^```$", GROWING.read_text(), re.DOTALL | re.MULTILINE)
    (code,) = [block for block in blocks if text in block]
    exec(compile(code, str(GROWING), "exec"), names)  # noqa: S102 (this repository's code)
    return names


def test_a_table_is_named_protected_and_retained_without_findings() -> None:
    app = new_app()
    stack = run_example("class PricesStack")["PricesStack"](app, ENVIRONMENT)
    app.synth()  # fails on findings
    (table,) = Template.from_stack(stack).find_resources("AWS::DynamoDB::Table").values()
    assert table["Properties"]["TableName"] == ENVIRONMENT.resource_name("prices")
    assert table["Properties"]["DeletionProtectionEnabled"]
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    assert stack.termination_protection


def test_a_policy_of_a_domain_is_attached_to_an_imported_role() -> None:
    arn = cdk.Fn.import_value("identity:RoleArn")
    app = new_app()
    stack = run_example("class AlertsStack")["AlertsStack"](app, ENVIRONMENT, role_arn=arn)
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


def test_five_lines_make_a_function_of_a_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "src" / "modules" / "prices" / "ingest.py"
    module.parent.mkdir(parents=True)
    module.write_text("def handler(event, context): ...")
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setattr(bundle, "ROOT", tmp_path)
    stack = DomainStack(new_test_app(), ENVIRONMENT, domain="prices", description="Prices")
    run_example("PythonFunction(", self=stack, role_arn=cdk.Fn.import_value("identity:RoleArn"))
    (function,) = Template.from_stack(stack).find_resources("AWS::Lambda::Function").values()
    assert function["Properties"]["Handler"] == "modules.prices.ingest.handler"
    assert function["Properties"]["FunctionName"] == ENVIRONMENT.resource_name("ingest")
