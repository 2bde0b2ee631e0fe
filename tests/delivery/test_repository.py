"""Settings that would trust other repositories are refused."""

from dataclasses import replace

import pytest

from stacks.delivery.repository import GitHubRepository, InvalidRepositoryError


def test_subjects_contain_ids_and_a_subject_without_ids_is_added_on_request() -> None:
    repository = GitHubRepository("acme-inc", 12, "ops.v2", 345)
    subject = "repo:acme-inc@12/ops.v2@345:environment:dev"
    assert repository.subjects("dev") == [subject]
    older = replace(repository, sends_names_only=True)
    assert older.subjects("dev") == [subject, "repo:acme-inc/ops.v2:environment:dev"]


IDS: list[object] = [0, -1, True, None, "12", "*"]
REFUSED: dict[str, list[object]] = {
    "owner": ["", "*", "acme*", "ac?me", "-acme", "acme-", "ac--me", "a/b", "a:b", "a@1", "a" * 40],
    "name": ["", "*", "ops*", "o?s", "o/s", "o:s", "o@1", "ops\n", "o" * 101],
    "owner_id": IDS,
    "repository_id": IDS,
}


@pytest.mark.parametrize(
    ("setting", "value"),
    [(setting, value) for setting, values in REFUSED.items() for value in values],
)
def test_an_invalid_setting_is_refused(setting: str, value: object) -> None:
    settings = {"owner": "acme", "owner_id": 12, "name": "ops", "repository_id": 345}
    with pytest.raises(InvalidRepositoryError, match=f"^{setting} .* of the GitHub"):
        GitHubRepository(**settings | {setting: value})  # type: ignore[arg-type] # invalid types


@pytest.mark.parametrize("environment", ["", "*", "dev*", "de?v", "dev:x", "dev\n"])
def test_a_github_environment_that_would_match_others_is_refused(environment: str) -> None:
    with pytest.raises(InvalidRepositoryError, match=r"^environment .* of the GitHub"):
        GitHubRepository("acme", 12, "ops", 345).subjects(environment)
