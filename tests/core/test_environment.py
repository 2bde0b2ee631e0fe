"""Environment determines every name, and refuses settings that AWS refuses."""

from collections.abc import Callable

import pytest

from stacks.core.environment import (
    ACCOUNT,
    DOMAIN,
    ENVIRONMENT,
    EXPORT,
    EXPORT_KEY,
    PROJECT,
    REGION,
    RESOURCE,
    STACK,
    Environment,
    InvalidEnvironmentError,
    Rule,
)
from tests import support


def test_project_and_environment_determine_names_and_tags() -> None:
    environment = Environment(project="acme", name="test")
    assert environment.resource_name("data") == "acme-data-test"
    assert environment.resource_pattern == "acme-*-test"
    assert environment.stack_name("storage") == "acme-storage-test"
    assert environment.stack_name("market_data") == "acme-market-data-test"
    assert environment.export_name("storage", "Arn") == "acme-storage-test:Arn"
    assert environment.tags("storage") == {
        "Project": "acme",
        "Environment": "test",
        "Stack": "storage",
        "ManagedBy": "aws-cdk",
    }


def test_the_default_target_is_us_east_1_in_the_account_of_the_credentials() -> None:
    assert (Environment().region, Environment().account) == ("us-east-1", None)


@pytest.mark.parametrize(
    "settings",
    [
        {"project": "a"},
        {"project": "acme2"},
        {"project": "aws-wealth"},
        {"name": "prod2"},
        {"region": "us-gov-west-1"},
        {"region": "eusc-de-east-1"},
        {"region": "us-iso-east-1"},
        {"account": "000000000000"},
    ],
)
def test_settings_within_the_rules_are_accepted(settings: dict[str, str]) -> None:
    Environment(**settings)


@pytest.mark.parametrize(
    ("setting", "value", "source"),
    [
        *(
            ("project", value, "CreateLogGroup")
            for value in (
                *("", "Wealth", "9lives", "wealth_ops", "wealth--ops", "wealth-", "wealth.ops"),
                *("wealth\n", "wéalth", "*", "aws", "xn--a"),
            )
        ),
        *(
            ("name", value, "identity/stack.py")
            for value in ("Dev", "", "dev\n", "2dev", "eu-dev", "*")
        ),
        *(
            ("account", value, "IAM user guide")
            for value in ("12345678901", "1234567890123", "12345678901a", "١٢٣٤٥٦٧٨٩٠١٢", "")
        ),
        *(
            ("region", value, "AWS general reference")
            for value in ("us-east", "US-EAST-1", "us-east-1a", "*", "")
        ),
    ],
)
def test_settings_that_break_a_rule_are_refused_with_value_and_source(
    setting: str, value: str, source: str
) -> None:
    with pytest.raises(InvalidEnvironmentError) as refusal:
        Environment(**{setting: value})
    assert repr(value) in str(refusal.value)
    assert source in str(refusal.value)


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        *((DOMAIN, value) for value in ("", "Storage", "market-data", "1st", "a__b")),
        *((EXPORT_KEY, value) for value in ("", "Data_Bucket", "Data-Bucket")),
        *((RESOURCE, value) for value in ("", "Data", "da_ta", "-data", "*")),
        # Environment never produces these values: its own rules are narrower than AWS's rules.
        *((STACK, value) for value in ("1stack", "a_stack")),
        (EXPORT, "stack:Key.Name"),
    ],
)
def test_a_name_that_breaks_a_rule_is_refused_with_value_and_source(rule: Rule, value: str) -> None:
    with pytest.raises(InvalidEnvironmentError) as refusal:
        rule.check(value)
    assert str(refusal.value) == f"{rule.kind} {value!r}: it must be {rule.meaning} ({rule.source})"


@pytest.mark.parametrize(
    "refused",
    [
        lambda: support.ENVIRONMENT.stack_name("Storage"),
        lambda: support.ENVIRONMENT.export_name("storage", "Data-Bucket"),
        lambda: support.ENVIRONMENT.resource_name("Data"),
    ],
)
def test_every_name_is_checked(refused: Callable[[], str]) -> None:
    with pytest.raises(InvalidEnvironmentError):
        refused()


@pytest.mark.parametrize(
    ("rule", "longest"),
    [
        (PROJECT, "p" * 50),
        (ENVIRONMENT, "n" * 50),
        (DOMAIN, "d" * 50),
        (RESOURCE, "r" * 50),
        (ACCOUNT, "1" * 12),
        (REGION, f"us-{'a' * 20}-1"),
        (STACK, "S" * 128),
        (EXPORT_KEY, "K" * 100),
        (EXPORT, "e" * 255),
    ],
    ids=lambda value: value.kind if isinstance(value, Rule) else "",
)
def test_a_name_of_the_maximum_length_is_accepted_and_a_longer_one_refused(
    rule: Rule, longest: str
) -> None:
    assert rule.check(longest) == longest
    too_long = longest[:4] + longest[3] + longest[4:]
    with pytest.raises(InvalidEnvironmentError, match=f"{len(longest)} are allowed") as refusal:
        rule.check(too_long)
    assert repr(too_long) in str(refusal.value)
