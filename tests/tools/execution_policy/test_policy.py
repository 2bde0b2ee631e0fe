"""An environment's rights follow its templates, its names and the rows in snapshots/."""

import json

import pytest

from stacks.core.rights import Statement
from tests.tools.execution_policy.conftest import (
    ACCOUNT,
    REGION,
    Assembly,
    Simulator,
    computed,
    role,
)
from tools.execution_policy import policy
from tools.execution_policy.policy import rights, size, text

BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "acme-data-test"}}
QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {}}
ROLE = f"arn:aws:iam::{ACCOUNT}:role"


def test_stacks_that_a_person_deploys_need_no_rights(assembly: Assembly) -> None:
    assert rights(assembly({"Bucket": BUCKET}, role=None)) is None


def test_the_same_templates_give_the_same_text(assembly: Assembly) -> None:
    first = text(computed(assembly({"Bucket": BUCKET, "Queue": QUEUE})))
    assert first == text(computed(assembly({"Queue": QUEUE, "Bucket": BUCKET})))
    assert ACCOUNT not in first  # any account may deploy it
    assert json.loads(first).keys() == {"boundary", "drift", "execution"}


def test_another_resource_of_a_type_changes_nothing_but_another_type_does(
    assembly: Assembly,
) -> None:
    one = text(computed(assembly({"Queue": QUEUE})))
    named = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "acme-jobs-test"}}
    assert text(computed(assembly({"Queue": QUEUE, "Jobs": named}))) == one
    assert text(computed(assembly({"Queue": QUEUE, "Bucket": BUCKET}))) != one


def test_a_name_outside_the_patterns_is_added(assembly: Assembly) -> None:
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}"
    other = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "legacy"}}
    assert not Simulator(*computed(assembly({"A": QUEUE}))["execution"]).allows(
        "sqs:CreateQueue", f"{arn}:legacy"
    )
    simulator = Simulator(*computed(assembly({"A": other}))["execution"])
    assert simulator.allows("sqs:CreateQueue", f"{arn}:legacy")
    assert not simulator.allows("sqs:CreateQueue", f"{arn}:legacy-other")
    reference = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "Name"}}}
    unknown = computed(assembly({"A": reference}))
    assert "<Name>" not in text(unknown)


def test_a_parameter_has_no_leading_slash_in_its_arn_and_a_bucket_no_capital(
    assembly: Assembly,
) -> None:
    parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/limits/one"}}
    recorded = text(computed(assembly({"Limit": parameter})))
    assert ":parameter/limits/one" in recorded
    stack = "acme-a-domain-with-a-long-name-test"
    bucket = {"Type": "AWS::S3::Bucket"}
    recorded = text(computed(assembly({"PricesOfEveryAssetAndDay1234": bucket}, stack)))
    assert ":::acme-a-domain-with-a-lon*-pricesofeveryassetan*" in recorded


def test_a_generated_name_of_a_long_stack_name_is_cut(assembly: Assembly) -> None:
    """Names that CloudFormation really gave: KensioSoftware/yulin#1113."""
    stack = "ChineseboostAnalyticsStack"
    simulator = Simulator(
        *computed(assembly({"RainlyticsSummariesJobFunctionRole1A2B": role()}, stack))["execution"]
    )
    cut = f"{ROLE}/ChineseboostAnalyticsStac-RainlyticsSummariesJobFun-UjecjFhpdr1d"
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/execution/acme-boundary-test"
    assert simulator.allows("iam:CreateRole", cut, PermissionsBoundary=boundary)
    other = f"{ROLE}/ChineseboostAnalyticsStac-DeployRole-UjecjFhpdr1d"
    assert not simulator.allows("iam:CreateRole", other, PermissionsBoundary=boundary)


def test_no_policy_is_empty(assembly: Assembly) -> None:
    handle = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    found = computed(assembly({"Handle": handle}))
    assert found["drift"] == []
    assert found["boundary"]
    assert all(found["execution"])


def test_policies_are_split_at_the_limit_of_iam(
    assembly: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = computed(assembly({"Bucket": BUCKET, "Queue": QUEUE}))["execution"]
    assert len(whole) == 1
    limit = size(whole[0]) - 1
    monkeypatch.setattr(policy, "POLICY_SIZE", limit)
    parts = computed(assembly({"Bucket": BUCKET, "Queue": QUEUE}))["execution"]
    assert len(parts) > 1
    assert [statement for part in parts for statement in part] == whole[0]
    assert all(size(part) <= limit for part in parts)


def test_a_long_statement_is_split(assembly: Assembly, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "ACTIONS", 10)
    (statements,) = computed(assembly({"Bucket": BUCKET}))["execution"]
    assert max(len(statement["Action"]) for statement in statements) == 10


def test_iam_counts_the_longest_partition_and_the_account() -> None:
    arn = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/x"
    statement = Statement(Effect="Allow", Action=["a:b"], Resource=[arn])
    found = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["a:b"],"Resource":['
    assert size([statement]) == len(found) + len('"arn:aws-us-gov:iam::111122223333:role/x"]}]}')


def test_no_role_is_passed_if_no_service_takes_one(assembly: Assembly) -> None:
    topic = {"Type": "AWS::SNS::Topic"}
    assert "iam:PassRole" not in text(computed(assembly({"Topic": topic})))
    passing = computed(assembly({"Topic": topic, "Role": role(service=["sns.amazonaws.com"])}))
    simulator = Simulator(*passing["execution"])
    own = f"{ROLE}/acme-data-test-Role-Ab12"
    assert simulator.allows("iam:PassRole", own, PassedToService="sns.amazonaws.com")
    assert not simulator.allows("iam:PassRole", own, PassedToService="lambda.amazonaws.com")


def test_a_key_of_the_project_is_known_by_its_tag(assembly: Assembly) -> None:
    (statements,) = computed(assembly({"Key": {"Type": "AWS::KMS::Key"}}))["execution"]
    (keys,) = [each for each in statements if "kms:PutKeyPolicy" in each["Action"]]
    assert keys["Condition"] == {"StringEquals": {"aws:ResourceTag/Project": "acme"}}
    assert "kms" not in text(computed(assembly({"Bucket": BUCKET})))
