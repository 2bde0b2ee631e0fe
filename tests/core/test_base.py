"""DomainStack gives every stack its names, target, tags and exports."""

import json
from dataclasses import replace
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template

from stacks.core.app import CDK_JSON, new_app
from stacks.core.base import DomainStack, construct_id
from stacks.core.environment import InvalidEnvironmentError
from stacks.core.exports import Export
from stacks.core.findings import acknowledge, wildcards
from tests.support import ENVIRONMENT, export_faults, new_test_app

THING = Export("prices", "ThingName", "Name of a thing")


def new_stack(domain: str = "prices", app: cdk.App | None = None) -> DomainStack:
    return DomainStack(app or new_test_app(), ENVIRONMENT, domain=domain, description="Prices")


def test_a_stack_gets_its_names_and_target_from_the_environment() -> None:
    stack = new_stack()
    assert (stack.node.id, stack.stack_name) == ("PricesStack", "acme-prices-test")
    assert (stack.account, stack.region) == ("111122223333", "eu-central-1")
    assert stack.tags.tag_values()["Environment"] == "test"
    assert not stack.termination_protection


def test_a_stack_passes_on_its_tags_description_and_protection_and_adds_no_resource() -> None:
    stack = DomainStack(
        new_test_app(),
        ENVIRONMENT,
        domain="prices",
        description="Prices of assets",
        termination_protection=True,
    )
    iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    template = Template.from_stack(stack).to_json()
    assert stack.termination_protection
    assert template["Description"] == "Prices of assets"
    (role,) = template["Resources"].values()
    assert role["Properties"]["Tags"] == [
        {"Key": "Environment", "Value": "test"},
        {"Key": "ManagedBy", "Value": "aws-cdk"},
        {"Key": "Project", "Value": "acme"},
        {"Key": "Stack", "Value": "prices"},
    ]


def test_without_an_account_a_stack_deploys_to_the_account_of_the_credentials() -> None:
    environment = replace(ENVIRONMENT, account=None)
    stack = DomainStack(new_test_app(), environment, domain="prices", description="Prices")
    assert cdk.Token.is_unresolved(stack.account)


def test_an_arn_names_the_partition_account_and_region_of_the_stack() -> None:
    stack = new_stack()
    arn = stack.resolve(stack.arn("dynamodb", "table/acme-*"))
    suffix = ":dynamodb:eu-central-1:111122223333:table/acme-*"
    assert arn == {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, suffix]]}


def test_a_domain_that_gives_an_invalid_stack_name_is_refused() -> None:
    with pytest.raises(InvalidEnvironmentError, match="'Market Data'"):
        new_stack("Market Data")


def test_a_construct_id_contains_the_words_of_the_domain() -> None:
    assert construct_id("market_data") == "MarketDataStack"


def test_an_export_is_published_and_imported_by_the_same_name() -> None:
    stack = new_stack()
    cdk.CfnWaitConditionHandle(stack, "Handle")  # a template must have a resource
    stack.publish(THING, "value")
    Template.from_stack(stack).has_output(
        "ThingName",
        {
            "Value": "value",
            "Description": "Name of a thing",
            "Export": {"Name": "acme-prices-test:ThingName"},
        },
    )
    imported = stack.resolve(THING.import_from(ENVIRONMENT))
    assert imported == {"Fn::ImportValue": "acme-prices-test:ThingName"}


def test_an_export_of_another_domain_is_refused() -> None:
    with pytest.raises(ValueError, match=r"RatesStack cannot publish ThingName.*'prices'"):
        new_stack("rates").publish(THING, "value")


def test_export_faults_names_each_export_that_is_missing_or_not_reviewed(tmp_path: Path) -> None:
    reviewed = tmp_path / "exports.txt"
    (first,) = export_faults({"New"}, {"New"}, reviewed)
    assert first.startswith(f"New: published, but not in {reviewed}. Add this line")
    reviewed.write_text("Same\nGone\n")
    assert export_faults({"Same", "Gone"}, {"Same", "Gone"}, reviewed) == []
    unpublished, new, gone = export_faults({"Same", "New"}, {"Same", "Unused"}, reviewed)
    assert unpublished == "Unused: declared in exports.py, but not published."
    assert new.startswith(f"New: published, but not in {reviewed}. Add this line")
    assert gone.startswith(f"Gone: in {reviewed}, but not published.")


def test_an_app_has_the_flags_of_cdk_json() -> None:
    app = new_app()
    flags = json.loads(CDK_JSON.read_text())["context"]
    assert {key: app.node.try_get_context(key) for key in flags} == flags


@pytest.mark.parametrize("setting", ["false", "true"])
def test_a_template_that_breaks_a_rule_of_cloudformation_fails_the_synthesis_unless_told_not_to(
    setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDK_VALIDATION", setting)
    stack = new_stack(app=new_app())
    cdk.CfnResource(stack, "Bad", type="AWS::S3::Bucket", properties={"Colour": "red"})
    if setting == "false":
        cdk.App.of(stack).synth()  # type: ignore[union-attr] # new_app made it
    else:
        with pytest.raises(RuntimeError, match="Colour"):
            cdk.App.of(stack).synth()  # type: ignore[union-attr] # as above


@pytest.mark.usefixtures("cdk_nag")
def test_a_finding_fails_the_synthesis_until_it_is_accepted_by_name() -> None:
    stack = new_stack(app=new_app())
    bucket = s3.Bucket(
        stack,
        "Bucket",
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        enforce_ssl=True,
        versioned=True,
    )
    nist = "NIST.800.53.R5::NIST.800.53.R5-"
    acknowledge(bucket, "Test", *(f"{nist}S3Bucket{x}Enabled" for x in ("Logging", "Replication")))
    with pytest.raises(RuntimeError) as failure:
        cdk.App.of(stack).synth()  # type: ignore[union-attr] # new_app made it
    unaccepted = ("AwsSolutions::AwsSolutions-S1", f"{nist}S3DefaultEncryptionKMS")
    assert all(finding in str(failure.value) for finding in unaccepted)
    acknowledge(bucket, "Test", *unaccepted)
    cdk.App.of(stack).synth(force=True)  # type: ignore[union-attr] # as above


@pytest.mark.parametrize("setting", ["off", "on", ""])
def test_only_the_word_off_keeps_cdk_nag_from_being_asked(
    setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEALTH_OPS_CDK_NAG", setting)
    stack = new_stack(app=new_app())
    s3.Bucket(stack, "Bucket")
    if setting == "off":
        cdk.App.of(stack).synth()  # type: ignore[union-attr] # new_app made it
    else:
        with pytest.raises(RuntimeError, match="AwsSolutions-S1"):
            cdk.App.of(stack).synth()  # type: ignore[union-attr] # as above


@pytest.mark.usefixtures("cdk_nag")
@pytest.mark.parametrize("asked", [True, False])
def test_the_pack_for_serverless_is_used_when_it_is_asked_for(
    asked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = {"serverless-checks": "true"} if asked else {}  # as `cdk synth --context` has it
    (tmp_path / "cdk.json").write_text(json.dumps({"context": context}))
    monkeypatch.setattr("stacks.core.app.CDK_JSON", tmp_path / "cdk.json")
    stack = new_stack(app=new_app())
    sqs.Queue(stack, "Queue", enforce_ssl=True)
    with pytest.raises(RuntimeError) as failure:
        cdk.App.of(stack).synth()  # type: ignore[union-attr] # new_app made it
    assert "AwsSolutions-SQS3" in str(failure.value)
    assert ("Serverless-SQSRedrivePolicy" in str(failure.value)) is asked


def test_wildcards_are_named_as_cdk_nag_names_them() -> None:
    stack = new_stack(app=new_app())
    resources = [
        "arn:aws:s3:::bucket/*",
        f"arn:{cdk.Aws.PARTITION}:sns:us-east-1:{cdk.Aws.ACCOUNT_ID}:*",
        f"{THING.import_from(ENVIRONMENT)}/*",
        "arn:aws:s3:::bucket/key",
    ]
    found = wildcards(stack, ["s3:Get*", "s3:PutObject"], resources)
    assert [finding.removeprefix("AwsSolutions::AwsSolutions-IAM5") for finding in found] == [
        "[Action::s3:Get*]",
        "[Resource::arn:aws:s3:::bucket/*]",
        "[Resource::arn:<AWS::Partition>:sns:us-east-1:<AWS::AccountId>:*]",
        "[Resource::acme-prices-test:ThingName/*]",
    ]


def test_a_token_that_cdk_nag_names_in_another_way_is_an_error() -> None:
    bucket = cdk.Fn.get_att("Bucket", "Arn").to_string()
    assert wildcards(new_stack(app=new_app()), [], [bucket]) == []
    with pytest.raises(ValueError, match="GetAtt"):
        wildcards(new_stack(app=new_app()), [], [f"{bucket}/*"])


def test_cdk_json_is_beside_the_code() -> None:
    assert Path(__file__).parents[2] / "cdk.json" == CDK_JSON
