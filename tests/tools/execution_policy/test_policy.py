"""An environment's rights follow its templates, its names and the rows in snapshots/."""

import json
from itertools import chain
from pathlib import Path

import pytest

from stacks.core.rights import Statement
from tests.tools.execution_policy.conftest import (
    ACCOUNT,
    BOUNDARY,
    REGION,
    ROLE,
    Compute,
    Simulator,
    allow,
    role,
    write_assembly,
)
from tools.execution_policy import policy
from tools.execution_policy.policy import rights, size, text

BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "acme-data-test"}}
QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {}}
QUEUES = f"arn:aws:sqs:{REGION}:{ACCOUNT}"
SNS = "sns.amazonaws.com"


def test_stacks_that_a_person_deploys_need_no_rights(tmp_path: Path) -> None:
    assert rights(write_assembly(tmp_path, {"Bucket": BUCKET})) is None


def test_the_same_types_give_the_same_text(compute: Compute) -> None:
    parameters = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter"
    one = role(allow("ssm:GetParameter", f"{parameters}/one"))
    two = role(allow("ssm:GetParameter", f"{parameters}/two"))
    resources = {"Bucket": BUCKET, "Queue": QUEUE, "One": one, "Two": two}
    first = text(compute(resources))
    assert first == text(compute({"Jobs": QUEUE, **dict(reversed(resources.items()))}))
    assert first != text(compute({**resources, "Queue": BUCKET}))
    assert ACCOUNT not in first  # any account may deploy it
    assert json.loads(first).keys() == {"boundary", "drift", "execution"}


def test_a_name_outside_the_patterns_is_added(compute: Compute) -> None:
    named = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "legacy"}}
    generated = Simulator(*compute({"A": QUEUE})["execution"])
    simulator = Simulator(*compute({"A": named})["execution"])
    assert not generated.allows("sqs:CreateQueue", f"{QUEUES}:legacy")
    assert simulator.allows("sqs:CreateQueue", f"{QUEUES}:legacy")
    assert not simulator.allows("sqs:CreateQueue", f"{QUEUES}:legacy-other")
    unknown = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "Name"}}}
    assert compute({"A": unknown}) == compute({"A": QUEUE})


def test_a_parameter_has_no_leading_slash_in_its_arn_and_a_bucket_no_capital(
    compute: Compute,
) -> None:
    parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/limits/one"}}
    assert ":parameter/limits/one" in text(compute({"Limit": parameter}))
    stack = "acme-a-domain-with-a-long-name-test"
    found = text(compute({"PricesOfEveryAssetAndDay1234": {"Type": "AWS::S3::Bucket"}}, stack))
    assert ":::acme-a-domain-with-a-lon*-pricesofeveryassetan*" in found


def test_a_generated_name_of_a_long_stack_name_is_cut(compute: Compute) -> None:
    """Names that CloudFormation really gave: KensioSoftware/yulin#1113."""
    resources = {"RainlyticsSummariesJobFunctionRole1A2B": role()}
    simulator = Simulator(*compute(resources, "ChineseboostAnalyticsStack")["execution"])
    cut = f"{ROLE}/ChineseboostAnalyticsStac-RainlyticsSummariesJobFun-UjecjFhpdr1d"
    assert simulator.allows("iam:CreateRole", cut, PermissionsBoundary=BOUNDARY)
    other = f"{ROLE}/ChineseboostAnalyticsStac-DeployRole-UjecjFhpdr1d"
    assert not simulator.allows("iam:CreateRole", other, PermissionsBoundary=BOUNDARY)


def test_drift_detection_reads_no_data(compute: Compute) -> None:
    found = compute({"Limit": {"Type": "AWS::SSM::Parameter"}})
    assert "ssm:GetParameters" in json.dumps(found["execution"])
    assert "ssm:ListTagsForResource" in json.dumps(found["drift"])
    assert "ssm:GetParameter" not in json.dumps(found["drift"])


def test_no_policy_is_empty(compute: Compute) -> None:
    found = compute({"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}})
    assert found["drift"] == []
    assert found["boundary"]
    assert all(found["execution"])


def test_policies_and_statements_are_split(
    compute: Compute, monkeypatch: pytest.MonkeyPatch
) -> None:
    (whole,) = compute({"Bucket": BUCKET, "Queue": QUEUE})["execution"]
    limit = size(whole) - 1
    monkeypatch.setattr(policy, "POLICY_SIZE", limit)
    parts = compute({"Bucket": BUCKET, "Queue": QUEUE})["execution"]
    assert len(parts) > 1
    assert [statement for part in parts for statement in part] == whole
    assert all(size(part) <= limit for part in parts)
    monkeypatch.setattr(policy, "ACTIONS", 10)
    short = [*chain(*compute({"Bucket": BUCKET})["execution"])]
    assert max(len(statement["Action"]) for statement in short) == 10


def test_iam_counts_the_longest_partition_and_the_account() -> None:
    arn = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/x"
    statement = Statement(Effect="Allow", Action=["a:b"], Resource=[arn])
    found = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["a:b"],"Resource":['
    assert size([statement]) == len(found) + len('"arn:aws-us-gov:iam::111122223333:role/x"]}]}')


def test_a_role_is_passed_only_to_services_that_take_one(compute: Compute) -> None:
    topic = {"Type": "AWS::SNS::Topic"}
    assert "iam:PassRole" not in text(compute({"Topic": topic}))
    passing = compute({"Topic": topic, "Role": role(service=[SNS])})
    simulator = Simulator(*passing["execution"])
    own = f"{ROLE}/acme-data-test-Role-Ab12"
    assert simulator.allows("iam:PassRole", own, PassedToService=SNS)
    assert not simulator.allows("iam:PassRole", own, PassedToService="lambda.amazonaws.com")


def test_a_key_of_the_project_is_known_by_its_tag(compute: Compute) -> None:
    (statements,) = compute({"Key": {"Type": "AWS::KMS::Key"}})["execution"]
    (keys,) = [each for each in statements if "kms:PutKeyPolicy" in each["Action"]]
    assert keys["Condition"] == {"StringEquals": {"aws:ResourceTag/Project": "acme"}}
    assert "kms" not in text(compute({"Bucket": BUCKET}))
