"""The printed command acts on the same target, and names what it changes."""

from tests.tools.deployment.conftest import DATA, Prepare
from tools.deployment.next_command import next_command


def test_a_printed_command_names_the_environment_profile_account_region_and_stacks(
    prepared: Prepare,
) -> None:
    options = {"stacks": ["D*"], "profile": "a profile", "app": "a b"}
    deployment = prepared(environment="prod", **options)
    flags = "--to aws --environment prod --profile 'a profile' --app 'a b'"
    assert next_command(deployment, "drift", "--fail") == (
        "Run in the account 111122223333 (acme-data in eu-central-1, acme-roles in eu-central-1):\n"
        f"  uv run nox -s drift -- {flags} 'D*' --fail"
    )
    assert next_command(deployment, "deploy", stacks=[DATA]) == (
        "Run in the account 111122223333 (acme-data in eu-central-1):\n"
        f"  uv run nox -s deploy -- {flags} Data"
    )
