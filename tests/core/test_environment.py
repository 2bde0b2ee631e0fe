"""Environment derives every name, and refuses settings that AWS would refuse."""

import re

import pytest

from stacks.core.environment import (
    ACCOUNT,
    BUCKET,
    DOMAIN,
    ENVIRONMENT,
    EXPORT,
    EXPORT_KEY,
    PROJECT,
    REGION,
    REPOSITORY,
    RESOURCE,
    STACK,
    Environment,
    InvalidEnvironmentError,
    Rule,
)
from tests.properties import given, st


def test_the_defaults_are_the_dev_environment() -> None:
    environment = Environment()
    assert environment.data_bucket_name == "wealth-ops-data-dev"
    assert environment.repository_name == "wealth-ops-ecr-dev"
    assert environment.stack_name("storage") == "wealth-ops-storage-dev"
    assert environment.stack_name("market_data") == "wealth-ops-market-data-dev"
    assert environment.export_name("storage", "DataBucketArn") == (
        "wealth-ops-storage-dev:DataBucketArn"
    )
    assert environment.tags("storage") == {
        "Project": "wealth-ops",
        "Environment": "dev",
        "Stack": "storage",
        "ManagedBy": "aws-cdk",
    }
    assert (environment.region, environment.account) == ("us-east-1", None)


@pytest.mark.parametrize(
    "settings",
    [
        {"project": "a"},
        {"project": "acme2"},
        {"project": "aws-wealth"},
        {"name": "prod-eu"},
        {"region": "us-gov-west-1"},
        {"region": "eusc-de-east-1"},
        {"region": "us-iso-east-1"},
        {"account": "000000000000"},
        # The longest bucket name: 63 characters.
        {"project": "p" * 50, "name": "n" * 7},
    ],
)
def test_settings_within_the_rules_are_accepted(settings: dict[str, str]) -> None:
    environment = Environment(**settings)
    assert len(environment.data_bucket_name) <= 63


@pytest.mark.parametrize(
    ("settings", "value", "source"),
    [
        ({"project": ""}, "''", "CreateLogGroup"),
        ({"project": "Wealth"}, "'Wealth'", "CreateLogGroup"),
        ({"project": "9lives"}, "'9lives'", "CreateLogGroup"),
        ({"project": "wealth_ops"}, "'wealth_ops'", "CreateLogGroup"),
        ({"project": "wealth--ops"}, "'wealth--ops'", "CreateLogGroup"),
        ({"project": "wealth-"}, "'wealth-'", "CreateLogGroup"),
        ({"project": "wealth.ops"}, "'wealth.ops'", "CreateLogGroup"),
        ({"project": "wealth\n"}, "'wealth\\n'", "CreateLogGroup"),
        ({"project": "wéalth"}, "'wéalth'", "CreateLogGroup"),
        ({"project": "*"}, "'*'", "CreateLogGroup"),
        ({"project": "aws"}, "'aws'", "CreateLogGroup"),
        ({"project": "xn--a"}, "'xn--a'", "CreateLogGroup"),
        ({"project": "sthree"}, "'sthree-data-dev'", "S3 user guide"),
        ({"project": "amzn-s3-demo"}, "'amzn-s3-demo-data-dev'", "S3 user guide"),
        ({"project": "p" * 51}, f"'{'p' * 51}'", "CreateLogGroup"),
        ({"project": "p" * 50, "name": "n" * 8}, "64 characters", "S3 user guide"),
        ({"name": "Dev"}, "'Dev'", "CloudFormation user guide"),
        ({"name": ""}, "''", "CloudFormation user guide"),
        ({"name": "dev\n"}, "'dev\\n'", "CloudFormation user guide"),
        ({"name": "an"}, "'wealth-ops-data-an'", "S3 user guide"),
        ({"name": "s3alias"}, "'wealth-ops-data-s3alias'", "S3 user guide"),
        ({"account": "12345678901"}, "'12345678901'", "IAM user guide"),
        ({"account": "1234567890123"}, "'1234567890123'", "IAM user guide"),
        ({"account": "12345678901a"}, "'12345678901a'", "IAM user guide"),
        ({"account": "١٢٣٤٥٦٧٨٩٠١٢"}, "'١٢٣٤٥٦٧٨٩٠١٢'", "IAM user guide"),
        ({"account": ""}, "''", "IAM user guide"),
        ({"region": "us-east"}, "'us-east'", "AWS general reference"),
        ({"region": "US-EAST-1"}, "'US-EAST-1'", "AWS general reference"),
        ({"region": "us-east-1a"}, "'us-east-1a'", "AWS general reference"),
        ({"region": "*"}, "'*'", "AWS general reference"),
        ({"region": ""}, "''", "AWS general reference"),
    ],
)
def test_settings_that_aws_would_refuse_are_refused_with_value_and_source(
    settings: dict[str, str], value: str, source: str
) -> None:
    with pytest.raises(InvalidEnvironmentError) as refusal:
        Environment(**settings)
    assert value in str(refusal.value)
    assert source in str(refusal.value)


@pytest.mark.parametrize("domain", ["", "Storage", "market-data", "1st", "a__b", "d" * 51])
def test_a_domain_that_is_no_package_name_is_refused(domain: str) -> None:
    with pytest.raises(InvalidEnvironmentError, match="domain"):
        Environment().stack_name(domain)


@pytest.mark.parametrize("key", ["", "Data_Bucket", "Data-Bucket", "K" * 101])
def test_an_export_key_that_is_no_logical_id_is_refused(key: str) -> None:
    with pytest.raises(InvalidEnvironmentError, match="export key"):
        Environment().export_name("storage", key)


@pytest.mark.parametrize("label", ["", "Data", "da_ta", "-data"])
def test_a_resource_label_outside_the_rules_is_refused(label: str) -> None:
    with pytest.raises(InvalidEnvironmentError, match="resource label"):
        Environment().resource_name(label)


@pytest.mark.parametrize(
    ("rule", "longest"),
    [
        (PROJECT, "p" * 50),
        (ENVIRONMENT, "n" * 50),
        (DOMAIN, "d" * 50),
        (RESOURCE, "r" * 50),
        (ACCOUNT, "1" * 12),
        (REGION, f"us-{'a' * 20}-1"),
        (BUCKET, "b" * 63),
        (REPOSITORY, "r" * 256),
        (STACK, "S" * 128),
        (EXPORT_KEY, "K" * 100),
        (EXPORT, "e" * 255),
    ],
    ids=lambda value: value.kind if isinstance(value, Rule) else "",
)
def test_a_limit_holds_to_the_character(rule: Rule, longest: str) -> None:
    assert rule.check(longest) == longest
    too_long = longest[:4] + longest[3] + longest[4:]
    with pytest.raises(InvalidEnvironmentError, match=f"{len(longest)} are allowed") as refusal:
        rule.check(too_long)
    assert repr(too_long) in str(refusal.value)


# Some of these no Environment can give today: its own words are narrower. The rules stay AWS's own.
@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (BUCKET, "ab"),
        (BUCKET, "-data"),
        (BUCKET, "data-"),
        (BUCKET, "xn--data"),
        (BUCKET, "sthree-data"),
        (BUCKET, "amzn-s3-demo-data"),
        (BUCKET, "data-s3alias"),
        (BUCKET, "data--ol-s3"),
        (BUCKET, "data--x-s3"),
        (BUCKET, "data--table-s3"),
        (BUCKET, "data-an"),
        (REPOSITORY, "images-"),
        (REPOSITORY, "a--b"),
        (REPOSITORY, "Images"),
        (STACK, "1stack"),
        (STACK, "a_stack"),
        (EXPORT, "stack:Key.Name"),
    ],
)
def test_each_rule_holds_by_itself(rule: Rule, value: str) -> None:
    with pytest.raises(InvalidEnvironmentError) as refusal:
        rule.check(value)
    assert str(refusal.value) == f"{rule.kind} {value!r}: it must be {rule.meaning} ({rule.source})"


# What AWS publishes for each kind of name, written down a second time and apart from the code.
RESERVED_STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
RESERVED_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3", "-an")
WORDS = st.from_regex(r"[a-z0-9-]{1,30}", fullmatch=True)
ANY = st.one_of(WORDS, st.text(max_size=70), st.sampled_from(["aws", "an", "sthree", "s3alias"]))


@given(project=ANY, name=ANY, account=st.one_of(st.none(), st.text(max_size=13)))
def test_whatever_is_accepted_gives_only_names_that_aws_accepts(
    project: str, name: str, account: str | None
) -> None:
    try:
        environment = Environment(project=project, name=name, account=account)
    except InvalidEnvironmentError as refusal:
        named = (repr(project), repr(name), repr(account), f"'{project}-data-{name}'")
        message = str(refusal)
    else:
        assert_aws_accepts(environment)
        return
    assert any(value in message for value in named)


def assert_aws_accepts(environment: Environment) -> None:
    bucket = environment.data_bucket_name
    assert 3 <= len(bucket) <= 63
    assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*[a-z0-9]", bucket)
    assert not bucket.startswith(RESERVED_STARTS)
    assert not bucket.endswith(RESERVED_ENDS)
    assert re.fullmatch(
        r"(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*",
        environment.repository_name,
    )
    stack = environment.stack_name("storage")
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,127}", stack)
    export = environment.export_name("storage", "DataBucketArn")
    assert re.fullmatch(r"[A-Za-z0-9:-]{1,255}", export)
    # A role's log groups never reach those of AWS's own services.
    assert re.fullmatch(r"[\w./#-]{1,512}", f"/{environment.project}/")
    assert not f"/{environment.project}/".startswith("/aws/")
    for value in environment.tags("storage").values():
        assert re.fullmatch(r"[\w\s.:/=+@-]{0,256}", value)
    assert re.fullmatch(r"[0-9]{12}", environment.account or "0" * 12)
