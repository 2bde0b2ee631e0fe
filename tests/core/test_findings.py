"""Acknowledging findings, tested against the names that cdk-nag gives them."""

import sys
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import Fn
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from stacks.core.app import new_app
from stacks.core.findings import acknowledge, wildcards
from tests.stacks import new_test_app
from tools.project import ROOT
from tools.security.scans import Finding, ScannedAssembly


def test_wildcards_have_the_names_that_cdk_nag_gives_them() -> None:
    app = new_app()
    stack = cdk.Stack(app, "Stack")
    # cdk-nag has no rule for a resource without a class.
    bucket = cdk.CfnResource(stack, "Bucket", type="AWS::S3::Bucket")
    arn = bucket.get_att("Arn").to_string()
    cdk.CfnMapping(stack, "Map", mapping={"a": {"b": "x"}})
    cdk.CfnCondition(stack, "If", expression=Fn.condition_equals(stack.region, "é"))
    resources = [
        "*",
        "arn:aws:s3:::bucket/*",
        f"arn:{stack.partition}:sns:us-east-1:{stack.account}:*",
        f"{arn}/*",
        f"arn:aws:s3:::{bucket.ref}/*",
        f"{Fn.import_value('stack:Key')}/*",
        f"{Fn.import_value(Fn.sub('${AWS::StackName}:Key'))}/*",
        Fn.sub("arn:${AWS::Partition}:s3:::x-${Bucket}/*"),
        Fn.sub("arn:aws:s3:::${X}/*", {"X": bucket.ref}),
        Fn.join("-", ["arn:aws:s3:::é", Fn.sub("${Bucket}"), "*"]),
        f"{Fn.select(0, Fn.split('/', arn))}/*",
        f"{Fn.find_in_map('Map', 'a', 'b')}*",
        Fn.condition_if("If", arn, "arn:aws:s3:::é*").to_string(),
        "arn:aws:s3:::bucket/key",
        arn,
    ]
    policy = iam.ManagedPolicy(
        stack,
        "Policy",
        statements=[iam.PolicyStatement(actions=["s3:Get*"], resources=resources)],
    )
    found = wildcards(stack, ["s3:Get*", "s3:PutObject"], resources)
    assert len(found) == 14
    acknowledge(policy, "Test", *found)
    app.synth()


def test_an_acknowledgement_of_the_cdk_is_never_stale(cloud_assembly: Path) -> None:
    app = new_test_app()
    stack = cdk.Stack(app, "Stack")
    # The CDK acknowledges CloudFormation-Validate::W3045 on this bucket.
    bucket = s3.Bucket(stack, "Bucket", access_control=s3.BucketAccessControl.PRIVATE)
    line = sys._getframe().f_lineno - 1
    acknowledge(bucket, "Test", "checkov::CKV_AWS_18")
    app.synth()
    assembly = ScannedAssembly(cloud_assembly)
    by_cdk = Finding("CloudFormation-Validate::W3045", "Stack/Bucket", "AccessControl")
    assert assembly.acknowledgement(by_cdk)
    stale = [old.id for old in assembly.stale([]) if old.path == "Stack/Bucket"]
    assert stale == ["checkov::CKV_AWS_18"]
    file = Path(__file__).relative_to(ROOT)
    assert f"Stack/Bucket ({file}:{line})" in assembly.describe(by_cdk)


@pytest.mark.parametrize("finding", ["AwsSolutions-S1", "AwsSolutions-IAM5[Resource::*]", "::S1"])
def test_an_id_without_a_scanner_is_refused(finding: str) -> None:
    stack = cdk.Stack()
    with pytest.raises(ValueError, match="begin the id with its scanner") as refusal:
        acknowledge(stack, "Test", "cfn-lint::W3045", finding)
    assert repr(finding) in str(refusal.value)
