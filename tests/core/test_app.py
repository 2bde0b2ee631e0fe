"""The app: cdk.json's flags, and the validation that a deploy cannot skip."""

from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from stacks.core.app import new_app
from stacks.core.base import DomainStack
from stacks.core.exports import Export
from stacks.core.findings import acknowledge
from tests.stacks import ENVIRONMENT, new_test_app

NIST = "NIST.800.53.R5::NIST.800.53.R5-S3"


def test_an_app_has_the_values_of_cdk_context_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cdk.json").write_text('{"context": {"both": "cdk.json"}}')
    looked_up = '{"both": "cdk.context.json", "vpc": "vpc-1"}'
    (tmp_path / "cdk.context.json").write_text(looked_up)
    monkeypatch.setattr("stacks.core.app.CDK_JSON", tmp_path / "cdk.json")
    app = new_test_app()
    assert app.node.try_get_context("vpc") == "vpc-1"
    assert app.node.try_get_context("both") == "cdk.json"  # as in the CDK CLI


def test_findings_fail_a_synthesis_until_acknowledged_even_if_cdk_validation_is_false(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CDK_VALIDATION", "false")  # as `cdk synth --no-validation` does
    app = new_app()
    bucket = s3.Bucket(
        cdk.Stack(app, "Stack"),
        "Bucket",
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        enforce_ssl=True,
        versioned=True,
    )
    acknowledge(bucket, "Test", f"{NIST}BucketLoggingEnabled", f"{NIST}BucketReplicationEnabled")
    resource = bucket.node.default_child
    assert isinstance(resource, cdk.CfnResource)
    resource.add_property_override("Colour", "red")
    with pytest.raises(RuntimeError) as failure:
        app.synth()
    findings = ("AwsSolutions::AwsSolutions-S1", f"{NIST}DefaultEncryptionKMS")
    assert all(finding in str(failure.value) for finding in (*findings, "Colour"))
    acknowledge(bucket, "Test", *findings)
    resource.add_property_deletion_override("Colour")
    app.synth(force=True)


def test_an_error_on_a_construct_fails_the_synthesis() -> None:
    app = new_test_app()
    cdk.Annotations.of(cdk.Stack(app, "Stack")).add_error("careful")
    with pytest.raises(RuntimeError, match="careful"):
        app.synth()


def test_names_and_limits_are_checked() -> None:
    app = new_app()
    stack = DomainStack(app, ENVIRONMENT, domain="prices", description="Prices")
    dynamodb.CfnTable(stack, "Table", key_schema=[])
    statement = iam.PolicyStatement(actions=["s3:GetObject"], resources=[6144 * "x"])
    iam.ManagedPolicy(stack, "Policy", statements=[statement])
    with pytest.raises(RuntimeError, match="Names::TableName") as failure:
        app.synth()
    assert "Limits::ManagedPolicySize" in str(failure.value)


def test_an_import_without_a_dependency_fails_with_the_names_of_both_stacks() -> None:
    app = new_test_app()
    producer = DomainStack(app, ENVIRONMENT, domain="prices", description="Exports a value")
    consumer = DomainStack(app, ENVIRONMENT, domain="rates", description="Imports the value")
    handle = cdk.CfnWaitConditionHandle(producer, "Handle")
    thing = Export("prices", "ThingName", "Name of a thing")
    producer.publish(thing, handle.ref)
    elsewhere = Export("earlier", "ThingName", "Name of a thing of a stack outside the app")
    for export in (thing, elsewhere):
        properties = {"TopicName": export.import_from(ENVIRONMENT)}
        cdk.CfnResource(consumer, export.domain, type="AWS::SNS::Topic", properties=properties)
    name = "acme-prices-test:ThingName from PricesStack"
    with pytest.raises(ValueError, match=f"RatesStack imports {name}.*add_stack_dependency"):
        app.synth()
    consumer.add_stack_dependency(producer)
    app.synth(force=True)


def test_the_serverless_pack_is_added_on_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As `cdk synth --context` passes the value.
    (tmp_path / "cdk.json").write_text('{"context": {"serverless-checks": "true"}}')
    monkeypatch.setattr("stacks.core.app.CDK_JSON", tmp_path / "cdk.json")
    app = new_app()
    sqs.Queue(cdk.Stack(app, "Stack"), "Queue", enforce_ssl=True)
    with pytest.raises(RuntimeError, match="Serverless-SQSRedrivePolicy"):
        app.synth()
