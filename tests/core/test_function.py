"""PythonFunction: a Lambda function's names, role, logs, findings and code."""

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions_tasks as tasks
from aws_cdk.assertions import Template
from constructs import Construct

from stacks.core import bundle
from stacks.core.app import BUNDLING_STACKS, CDK_JSON, new_app
from stacks.core.base import DomainStack
from stacks.core.bundle import Bundle, BundleError
from stacks.core.environment import InvalidEnvironmentError
from stacks.core.function import PythonFunction
from tests.stacks import ENVIRONMENT, new_test_app
from tools.security import scans

ROLE_ARN = cdk.Fn.import_value("acme-identity-test:LambdaExecutionRoleArn")
HASH = re.compile("[0-9a-f]{64}")
HANDLER = "modules.prices.handler.handle"
new_function = partial(PythonFunction, handler=HANDLER, role_arn=ROLE_ARN)


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root with one module."""
    (tmp_path / "pyproject.toml").write_text("[dependency-groups]\nprices = []\n")
    (tmp_path / "src" / "modules" / "prices").mkdir(parents=True)
    handler = "def handle(event, context): ..."
    (tmp_path / "src" / "modules" / "prices" / "handler.py").write_text(handler)
    monkeypatch.setattr(bundle, "ROOT", tmp_path)
    return tmp_path


def new_stack(app: cdk.App | None = None, *, name: str = ENVIRONMENT.name) -> DomainStack:
    environment = replace(ENVIRONMENT, name=name)
    return DomainStack(app or new_test_app(), environment, domain="prices", description="Prices")


def properties(stack: cdk.Stack, kind: str) -> Mapping[str, object]:
    """The properties of the only resource of a type, without its tags."""
    (resource,) = Template.from_stack(stack).find_resources(kind).values()
    return {key: value for key, value in resource["Properties"].items() if key != "Tags"}


def test_a_function_has_its_name_role_log_group_and_settings() -> None:
    stack = new_stack()
    new_function(stack, "Ingest", label="ingest")
    template = Template.from_stack(stack)
    template.has_resource(
        "AWS::Logs::LogGroup",
        {
            "Properties": {"LogGroupName": "/aws/lambda/acme-ingest-test", "RetentionInDays": 365},
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Delete",
        },
    )
    (log_group,) = template.find_resources("AWS::Logs::LogGroup")
    function = properties(stack, "AWS::Lambda::Function")
    assert function == {
        "FunctionName": "acme-ingest-test",
        "Runtime": "python3.13",
        "Architectures": ["x86_64"],
        "Handler": HANDLER,
        "Role": {"Fn::ImportValue": "acme-identity-test:LambdaExecutionRoleArn"},
        "MemorySize": 256,
        "Timeout": 30,
        "LoggingConfig": {"LogGroup": {"Ref": log_group}},
        "Code": function["Code"],
    }


def test_a_function_may_differ_in_its_settings() -> None:
    stack = new_stack()
    new_function(
        stack,
        "Ingest",
        label="ingest",
        memory_size=1024,
        timeout=cdk.Duration.minutes(15),
        architecture=lambda_.Architecture.ARM_64,
        log_retention=logs.RetentionDays.ONE_WEEK,
        log_removal_policy=cdk.RemovalPolicy.RETAIN,
        description="Ingests prices",
        environment={"BUCKET": "data"},
        ephemeral_storage_size=cdk.Size.gibibytes(1),
        reserved_concurrent_executions=2,
    )
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "MemorySize": 1024,
            "Timeout": 900,
            "Architectures": ["arm64"],
            "Description": "Ingests prices",
            "Environment": {"Variables": {"BUCKET": "data"}},
            "EphemeralStorage": {"Size": 1024},
            "ReservedConcurrentExecutions": 2,
        },
    )
    log_group = {"Properties": {"RetentionInDays": 7}, "DeletionPolicy": "Retain"}
    template.has_resource("AWS::Logs::LogGroup", log_group)


def test_functions_share_a_role_that_their_stack_does_not_change() -> None:
    stack = new_stack()
    for label in ("first", "second"):
        function = new_function(stack, label, label=label)
        # As other constructs' methods do, e.g. `bucket.grant_read(function)`.
        function.add_to_role_policy(iam.PolicyStatement(actions=["s3:Get*"], resources=["*"]))
    resources = Template.from_stack(stack).to_json()["Resources"].values()
    assert sorted(resource["Type"] for resource in resources) == [
        *("AWS::Lambda::Function", "AWS::Lambda::Function"),
        *("AWS::Logs::LogGroup", "AWS::Logs::LogGroup"),
    ]


def test_the_cdk_uses_a_function_as_any_other() -> None:
    stack = new_stack()
    function = new_function(Construct(stack, "Part"), "Ingest", label="ingest")
    assert isinstance(function, lambda_.Function)
    tasks.LambdaInvoke(stack, "Task", lambda_function=function)
    function.metric_errors().create_alarm(stack, "Alarm", threshold=1, evaluation_periods=1)
    Template.from_stack(stack).resource_count_is("AWS::CloudWatch::Alarm", 1)


def test_a_name_that_lambda_refuses_is_refused() -> None:
    label = 50 * "l"  # "acme-" and "-" add six characters
    new_function(new_stack(name=8 * "n"), "Ingest", label=label)
    with pytest.raises(InvalidEnvironmentError, match=r"function name .*65 characters, and 64 are"):
        new_function(new_stack(name=9 * "n"), "Ingest", label=label)


def test_a_function_outside_the_stack_of_a_domain_is_refused() -> None:
    with pytest.raises(TypeError, match="Other/Ingest must be in a DomainStack"):
        new_function(cdk.Stack(new_test_app(), "Other"), "Ingest", label="ingest")


def test_a_missing_handler_or_group_is_refused_even_if_tests_do_not_bundle() -> None:
    with pytest.raises(BundleError, match="defines no 'missing'"):
        new_function(new_stack(), "Ingest", label="a", handler=f"{HANDLER[:-6]}missing")
    with pytest.raises(BundleError, match="group 'missing' not found"):
        new_function(new_stack(), "Ingest", label="a", dependency_group="missing")


def test_unit_tests_run_neither_uv_nor_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", None)
    new_function(new_stack(), "Ingest", label="ingest", dependency_group="prices")


def bundling(folder: Path, monkeypatch: pytest.MonkeyPatch) -> DomainStack:
    """A stack that bundles its functions into a folder, as `cdk deploy` does."""
    monkeypatch.setenv("CDK_OUTDIR", str(folder))
    app = new_test_app()
    stack = new_stack(app)
    stack.node.set_context(BUNDLING_STACKS, ["**"])
    return stack


def test_only_a_deployment_bundles_and_the_templates_differ_only_in_the_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = []
    for stack in (new_stack(), bundling(tmp_path / "out", monkeypatch)):
        new_function(stack, "Ingest", label="ingest")
        texts.append(json.dumps(Template.from_stack(stack).to_json()))
    assert "aws:asset:path" in texts[0]
    assert HASH.sub("", texts[0]) == HASH.sub("", texts[1])
    (written,) = (tmp_path / "out").glob("asset.*")
    assert {written.name.removeprefix("asset.")} == {*HASH.findall(texts[1])}
    files = [path for path in written.rglob("*") if path.is_file()]
    assert files == [written / "modules" / "prices" / "handler.py"]


def test_functions_with_the_same_code_share_a_bundle_that_is_written_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Bundle.write
    folders = []

    def counted(self: Bundle, folder: Path) -> None:
        folders.append(folder)
        write(self, folder)

    monkeypatch.setattr(Bundle, "write", counted)
    for _ in range(2):
        stack = bundling(tmp_path / "out", monkeypatch)
        new_function(stack, "First", label="first")
        new_function(stack, "Second", label="second")
    assert len(folders) == 1
    new_function(stack, "Arm", label="arm", architecture=lambda_.Architecture.ARM_64)
    assert len(folders) == 2


def test_an_interrupted_bundle_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: Bundle, folder: Path) -> None:
        (folder / "part").touch()
        raise BundleError("No network.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Bundle, "write", interrupted)
        with pytest.raises(RuntimeError, match=r"PricesStack/Ingest.*No network\."):
            new_function(bundling(tmp_path / "out", monkeypatch), "Ingest", label="ingest")
    new_function(bundling(tmp_path / "out", monkeypatch), "Ingest", label="ingest")
    (written,) = (tmp_path / "out").glob("asset.*")
    files = [path.name for path in written.rglob("*") if path.is_file()]
    assert files == ["handler.py"]


def test_the_findings_of_every_function_are_acknowledged_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDK_OUTDIR", str(tmp_path / "out"))
    settings = json.loads(CDK_JSON.read_text())
    settings["context"] |= {BUNDLING_STACKS: [], "serverless-checks": "true"}
    (tmp_path / "cdk.json").write_text(json.dumps(settings))
    monkeypatch.setattr("stacks.core.app.CDK_JSON", tmp_path / "cdk.json")
    app = new_app()
    stack = new_stack(app)
    new_function(stack, "Plain", label="plain")
    new_function(stack, "Variables", label="variables", environment={"BUCKET": "data"})
    new_function(stack, "Reserved", label="reserved", reserved_concurrent_executions=1)
    app.synth()  # fails on other findings
    assembly = scans.ScannedAssembly(tmp_path / "out")
    assert list(scans.cfn_lint(assembly)) == []
    # `nox -s security` compares the others with the checkov findings.
    others: dict[str, set[str]] = {}
    for acknowledgement in assembly.stale(scans.cdk_nag(assembly)):
        others.setdefault(acknowledgement.path, set()).add(acknowledgement.id)
    numbers = {
        "Plain": (115, 116, 117),
        "Variables": (115, 116, 117, 173),
        "Reserved": (116, 117),
        "PlainLogs": (158,),
        "VariablesLogs": (158,),
        "ReservedLogs": (158,),
    }
    assert others == {
        f"PricesStack/{name}": {f"checkov::CKV_AWS_{number}" for number in found}
        for name, found in numbers.items()
    }
