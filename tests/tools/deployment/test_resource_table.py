"""The table after a deploy, and the GitHub Actions job summary."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.tools.deployment.conftest import DATA, ROLES, FakeAccount, Prepare
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
    more = replace(DATA, id="More", name="acme-more")
    account.unreadable = {more.name}  # the credentials may have expired during the deploy
    resource_table.show(prepared(artifacts=[DATA, ROLES, more]))
    lines = capsys.readouterr().out.splitlines()
    rows = [[cell.strip() for cell in line.split("│")] for line in lines if line.startswith("│")]
    assert rows == [
        ["", "Data (acme-data)", "CREATE_COMPLETE", ""],
        ["", "AWS::S3::Bucket", "bucket", ""],
        ["", "AWS::SNS::Topic", "", ""],
        ["", "Roles (acme-roles)", "does not exist", ""],
        ["", "More (acme-more)", "not known", ""],
    ]
    title = "### Environment test (AWS, account 111122223333 as arn:aws:iam::"
    assert (tmp_path / "summary").read_text().startswith(title)
