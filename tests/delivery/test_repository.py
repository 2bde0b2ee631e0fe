"""Settings that would trust other repositories are refused."""

import pytest

from stacks.delivery.repository import GitHubRepository, InvalidRepositoryError


def test_a_subject_names_the_ids_of_owner_and_repository() -> None:
    repository = GitHubRepository("acme-inc", 12, "ops.v2", 345)
    assert repository.subjects("dev") == ["repo:acme-inc@12/ops.v2@345:environment:dev"]


def test_the_subject_without_ids_is_trusted_only_on_request() -> None:
    repository = GitHubRepository("acme", 12, "ops", 345, sends_names_only=True)
    assert repository.subjects("dev") == [
        "repo:acme@12/ops@345:environment:dev",
        "repo:acme/ops:environment:dev",
    ]


@pytest.mark.parametrize(
    "owner", ["", "*", "acme*", "ac?me", "-acme", "acme-", "ac--me", "a/b", "a:b", "a@1", "a" * 40]
)
def test_an_invalid_owner_is_refused(owner: str) -> None:
    with pytest.raises(InvalidRepositoryError, match=r"^owner .* of the GitHub"):
        GitHubRepository(owner, 12, "ops", 345)


@pytest.mark.parametrize("name", ["", "*", "ops*", "o?s", "o/s", "o:s", "o@1", "ops\n", "o" * 101])
def test_an_invalid_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidRepositoryError, match=r"^name .* of the GitHub"):
        GitHubRepository("acme", 12, name, 345)


@pytest.mark.parametrize("number", [0, -1, True, None, "12", "*"])
def test_an_invalid_id_is_refused(number: int) -> None:
    with pytest.raises(InvalidRepositoryError, match=r"owner_id .*gh api repos/OWNER/NAME"):
        GitHubRepository("acme", number, "ops", 345)
    with pytest.raises(InvalidRepositoryError, match=r"repository_id .*gh api repos/OWNER/NAME"):
        GitHubRepository("acme", 12, "ops", number)


@pytest.mark.parametrize("environment", ["", "*", "dev*", "de?v", "dev:x", "dev\n"])
def test_a_github_environment_that_would_match_others_is_refused(environment: str) -> None:
    with pytest.raises(InvalidRepositoryError, match=r"^environment .* of the GitHub"):
        GitHubRepository("acme", 12, "ops", 345).subjects(environment)
