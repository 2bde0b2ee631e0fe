"""What a rehearsal reports besides lost data: failures, exports, permissions, untried parts."""

import re

import pytest

from tests.tools.rehearsal.conftest import Rehearse
from tests.tools.rehearsal.recorded import KEYS, Changes, only
from tools.cdk_cli.assembly import Json
from tools.rehearsal import steps
from tools.rehearsal.report import Kind, Report

STORE = "Store.Resources"
STATEMENTS = "Roles.Resources.Policy.Properties.PolicyDocument.Statement"
POLICIES = "Roles.Resources.Role.Properties.Policies"
OTHER: Json = {"Effect": "Allow", "Action": "sns:Publish", "Resource": "*"}
UNKNOWN = "the local cloud has no AWS::Budgets::Budget"
NEW: Json = {"Resources": {"Any": {"Type": "AWS::SNS::Topic"}}}
TOPIC: Json = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "NAME-topic"}}
# Removed from the base where they do not matter, because each store takes time.
STACKS: Changes = {"Roles": None, "Store": None}
STORES: Changes = {f"{STORE}.{store}": None for store in ("Table", "Unnamed", "Repository", "Logs")}


def sentences(report: Report, kind: Kind) -> dict[str, list[str]]:
    """The sentences by subject, with NAME for the name of the rehearsal."""
    return {
        re.sub(r"test\d+", "NAME", subject): [re.sub(r"test\d+", "NAME", text) for text in texts]
        for subject, texts in report.found[kind].items()
    }


def stack(**resource: Json) -> dict[str, Json]:
    return {"Resources": {"Any": resource}}


def test_a_refused_update_is_a_failure_without_loss(rehearsal: Rehearse) -> None:
    changes: Changes = {f"{STORE}.Table.Properties": {**KEYS, "TableName": "NAME-table"}}
    report = rehearsal(changes, only("Table"), compares=True)
    ((subject, (text,)),) = sentences(report, Kind.LOST).items()
    assert subject == "test/Store"
    assert report.found[Kind.UNTRIED] == {}
    assert text == (
        "upgrade: the deploy fails: UPDATE_ROLLBACK_COMPLETE: CloudFormation cannot update a "
        "stack when a custom-named resource requires replacing. Rename NAME-table and update the "
        "stack again."
    )


def test_a_resource_with_another_logical_id_is_named(rehearsal: Rehearse) -> None:
    base: Changes = {**STACKS, "New": {"Resources": {"Topic": TOPIC}}}
    report = rehearsal({"New.Resources": {"Another": TOPIC}}, base)
    assert "has another logical id" in str(report.found[Kind.CHANGED]["test/New/Topic"])


def test_a_resource_that_cannot_be_deleted_is_a_failure(rehearsal: Rehearse) -> None:
    base: Changes = {**only("Repository"), f"{STORE}.Repository.Properties.EmptyOnDelete": False}
    # A stack needs a resource.
    report = rehearsal({f"{STORE}.Repository": None, "Store.Resources.Any": TOPIC}, base)
    (text,) = sentences(report, Kind.LOST)["test/Store/Repository"]
    assert text.startswith(
        "upgrade: leaves the stack; NAME-repository still exists, but no stack has it, because its "
        "deletion fails: The repository with name 'NAME-repository'"
    )


def test_a_retained_store_that_is_renamed_blocks_the_way_back(rehearsal: Rehearse) -> None:
    base: Changes = {**only("Bucket"), f"{STORE}.Bucket.UpdateReplacePolicy": "Retain"}
    report = rehearsal({f"{STORE}.Bucket.Properties.BucketName": "NAME-other"}, base)
    assert sentences(report, Kind.CHANGED) == {
        "test/Store/Bucket": [
            "upgrade: is replaced by NAME-other; NAME-bucket still exists, but no stack has it"
        ]
    }
    ((text,),) = sentences(report, Kind.LOST).values()
    assert text == (
        "way back: the deploy fails: UPDATE_ROLLBACK_COMPLETE: Resource of type 'AWS::S3::Bucket' "
        "with identifier 'NAME-bucket' already exists."
    )


def test_an_export_that_changes_or_goes_is_lost(rehearsal: Rehearse) -> None:
    base: Changes = {
        **STORES,
        "Store.Outputs.Gone": {"Value": "1", "Export": {"Name": "NAME-store:Gone"}},
        "Store.Outputs.Unexported": {"Value": "1"},
    }
    report = rehearsal({"Store.Outputs.Gone": None, "Store.Outputs.Arn.Value": "2"}, base)
    assert sentences(report, Kind.LOST) == {
        "NAME-store:BucketArn": ["upgrade: changes from arn:aws:s3:::NAME-bucket to 2"],
        "NAME-store:Gone": ["upgrade: is no longer exported"],
    }


def test_a_permission_that_a_role_loses_is_lost_and_a_denial_is_named(rehearsal: Rehearse) -> None:
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    trust: Json = {"Version": "2012-10-17", "Statement": []}
    role: Json = {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": trust, "ManagedPolicyArns": [arn]},
    }
    removed, managed = "Roles.Resources.Removed", "Roles.Resources.Managed"
    report = rehearsal(
        {
            STATEMENTS: [OTHER],
            POLICIES: None,
            removed: None,
            f"{managed}.Properties.ManagedPolicyArns": None,
        },
        {**STORES, removed: role, managed: role},
    )
    bucket = "arn:aws:s3:::NAME-bucket"
    lost = sentences(report, Kind.LOST)
    assert lost.keys() == {"test/Roles/Role", "test/Roles/Removed", "test/Roles/Managed"}
    assert lost["test/Roles/Role"] == [
        f"upgrade: s3:GetObject on {bucket}/* was allowed, and is implicitDeny",
        f"upgrade: s3:ListBucket on {bucket} was allowed, and is implicitDeny",
        f"upgrade: s3:PutObject on {bucket}/* was allowed, and is implicitDeny",
    ]
    put = "upgrade: logs:PutLogEvents on * was allowed, and is"
    assert f"{put} no role" in lost["test/Roles/Removed"]
    assert f"{put} implicitDeny" in lost["test/Roles/Managed"]
    assert (
        "upgrade: s3:Delete* on * was explicitDeny, and is implicitDeny"
        in sentences(report, Kind.CHANGED)["test/Roles/Role"]
    )


# Stacks that are not rehearsed, or only in part; "Taken" needs the name of the bucket in "Store".
UNTRIED_BASE: Changes = {
    **STORES,
    "Roles": None,
    "Bad": {
        **stack(Type="AWS::Budgets::Budget"),
        "Outputs": {"Any": {"Value": "1", "Export": {"Name": "bad"}}},
    },
    "Extended": NEW,
    "Full": {
        "Resources": {
            "Any": {"Type": "AWS::Logs::LogGroup"},
            "Stream": {
                "Type": "AWS::Logs::LogStream",
                "Properties": {"LogGroupName": {"Ref": "Any"}, "LogStreamName": "rehearsal"},
            },
        }
    },
    "Stream": stack(Type="AWS::Kinesis::Stream", Properties={"ShardCount": 1}),
    "Taken": stack(Type="AWS::S3::Bucket", Properties={"BucketName": "NAME-bucket"}),
    "Worse": stack(Type="AWS::SNS::Topic", Properties={"TopicName": {"Fn::ImportValue": "bad"}}),
}
UNTRIED_CHANGES: Changes = {
    "Custom": stack(Type="Custom::Any"),
    "Extended.Resources.Other": {"Type": "AWS::Budgets::Budget"},
    "Nested": stack(Type="AWS::CloudFormation::Stack"),
    "Stream.Resources.Any.Properties": {"RetentionPeriodHours": 48, "ShardCount": 1},
}
UNTRIED = {
    "test/Bad": UNKNOWN,
    "test/Custom": "the snapshots hold no code for its custom resources",
    "test/Extended": UNKNOWN,
    "test/Full/Any": "no data can be put into it: An error occurred (ResourceAlreadyExists",
    "test/Nested": "the snapshots name its nested stack only by a hash",
    "test/Stream/Any": "the rehearsal puts no data into AWS::Kinesis::Stream",
    "test/Taken": "ROLLBACK_COMPLETE: ",
    "test/Worse": "it imports from test/Bad, which is left out",
}


def test_what_is_not_tried_is_named(rehearsal: Rehearse) -> None:
    report = rehearsal(UNTRIED_CHANGES, UNTRIED_BASE, compares=True)
    assert sentences(report, Kind.LOST) == {}
    found = sentences(report, Kind.UNTRIED)
    assert found.keys() == UNTRIED.keys()
    for subject, text in UNTRIED.items():
        assert found[subject][0].startswith(text)


def test_a_stack_that_is_not_in_the_checkout_stays(rehearsal: Rehearse) -> None:
    report = rehearsal({"Store": None, "Roles": None, "New": NEW}, STORES)
    assert sentences(report, Kind.LOST) == {}
    assert sentences(report, Kind.CHANGED) == {
        f"test/{name}": ["is not in this checkout; a deploy leaves it and its resources in place"]
        for name in ("Store", "Roles")
    }


def test_an_environment_that_the_local_cloud_lacks_is_not_rehearsed(rehearsal: Rehearse) -> None:
    budget = {"Resources": {"Any": {"Type": "AWS::Budgets::Budget"}}}
    report = rehearsal({}, {"Roles": None, "Store": budget})
    assert report.markdown({}).endswith("**Nothing was rehearsed. The reasons are above.**")


def test_a_function_gets_a_placeholder_and_a_parameter_a_value(rehearsal: Rehearse) -> None:
    code = {"S3Bucket": {"Fn::Sub": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"}}
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": "NAME-load",
            "Code": {**code, "S3Key": "ASSET_HASH.zip"},
            "Handler": "load.handler",
            "Runtime": "python3.13",
            "Role": "arn:aws:iam::000000000000:role/any",
        },
    }
    version = {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/cdk-bootstrap/version"}
    size = {"Type": "Number", "Default": 1}
    report = rehearsal(
        {"New.Description": "New", "New.Resources.Load.Properties.Timeout": 30},
        {
            **STACKS,
            "New": {
                "Parameters": {"Version": version, "Size": size},
                "Resources": {"Load": function},
            },
        },
        "eu-west-1",
    )
    assert [dict(report.found[kind]) for kind in Kind] == [{}, {}, {}]
    assert report.compared


def test_a_deploy_that_takes_too_long_is_a_failure(
    rehearsal: Rehearse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "LIMIT", 0.0)
    report = rehearsal({}, {"Roles": None})
    text = "it is still _IN_PROGRESS after 0 seconds"
    assert sentences(report, Kind.UNTRIED) == {"test/Store": [text]}
