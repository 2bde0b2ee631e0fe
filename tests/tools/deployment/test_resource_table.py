"""The table after a deploy, and the GitHub Actions job summary."""

from pathlib import Path

import pytest

from tests.tools.deployment.conftest import DATA, FakeAccount, Prepare
from tools.deployment import resource_table


def test_the_table_shows_each_stack_and_resource_also_in_the_summary_of_a_job(
    account: FakeAccount,
    prepared: Prepare,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    account.deploy(DATA)
    account.contents = {DATA.name: {"Bucket": "AWS::S3::Bucket"}}
    resource_table.show(prepared())
    lines = capsys.readouterr().out.splitlines()
    rows = [[cell.strip() for cell in line.split("│")] for line in lines if line.startswith("│")]
    assert rows == [
        ["", "Data (acme-data)", "CREATE_COMPLETE", ""],
        ["", "AWS::S3::Bucket", "bucket", ""],
        ["", "AWS::SNS::Topic", "", ""],
        ["", "Roles (acme-roles)", "does not exist", ""],
    ]
    title = "### Environment test (AWS, account 111122223333 as arn:aws:iam::"
    assert (tmp_path / "summary").read_text().startswith(title)


def test_the_table_survives_credentials_that_expire_during_the_deploy(
    account: FakeAccount, prepared: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    account.unreadable = {DATA.name}
    resource_table.show(prepared())
    output = capsys.readouterr().out
    assert output.count("not known") == 1
    assert output.count("does not exist") == 1
