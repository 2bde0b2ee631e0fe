"""The GitHub repository that may deploy: its owner, its name and their ids."""

import re
from dataclasses import dataclass

# The issuer in the tokens that GitHub Actions signs for its jobs.
ISSUER = "token.actions.githubusercontent.com"
# The audience that aws-actions/configure-aws-credentials asks for.
AUDIENCE = "sts.amazonaws.com"

# GitHub documentation, "Username considerations for external authentication".
_OWNER = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_ENVIRONMENT = re.compile(r"[A-Za-z0-9_-]{1,255}")


class InvalidRepositoryError(ValueError):
    """A setting would make a trust policy match other repositories."""


@dataclass(frozen=True)
class GitHubRepository:
    """A GitHub repository, as `gh api repos/OWNER/NAME --jq '.owner.login, .owner.id, .name, .id'`
    prints it.

    IAM compares names with case, and the subject holds names and ids: after a rename, roles trust
    no job until a person deploys the new names (docs/github.md).
    With `sends_names_only`, roles also trust subjects without ids. GitHub sends such subjects for
    repositories created before 2026-07-15, until they are renamed or opt in (github/docs#45221). A
    later owner who takes the same names is then trusted too.
    Raises `InvalidRepositoryError` for a name or id that GitHub does not allow.
    """

    owner: str
    owner_id: int
    name: str
    repository_id: int
    sends_names_only: bool = False

    def __post_init__(self) -> None:
        _check("owner", self.owner, _OWNER, "letters, digits and single hyphens, at most 39")
        _check("name", self.name, _NAME, "letters, digits, '.', '_' and '-', at most 100")
        _check_id("owner_id", self.owner_id)
        _check_id("repository_id", self.repository_id)

    def subjects(self, github_environment: str) -> list[str]:
        """The `sub` claims that this repository's jobs have in a GitHub environment.

        Source: GitHub documentation, "OpenID Connect reference", subject claims.
        Raises `InvalidRepositoryError` for a name that would match other environments.
        """
        _check("environment", github_environment, _ENVIRONMENT, "letters, digits, '_' and '-'")
        job = f"environment:{github_environment}"
        subjects = [
            f"repo:{self.owner}@{self.owner_id}/{self.name}@{self.repository_id}:{job}",
        ]
        if self.sends_names_only:
            subjects.append(f"repo:{self.owner}/{self.name}:{job}")
        return subjects


def _check(setting: str, value: str, pattern: re.Pattern[str], meaning: str) -> None:
    if not pattern.fullmatch(value):
        raise InvalidRepositoryError(f"{setting} {value!r} of the GitHub repository: use {meaning}")


def _check_id(setting: str, value: int) -> None:
    # bool is an int.
    if type(value) is not int or value < 1:
        raise InvalidRepositoryError(
            f"{setting} {value!r} of the GitHub repository: use the positive number that "
            "`gh api repos/OWNER/NAME --jq '.owner.id, .id'` prints"
        )


# Put your repository here. Until then, nobody can assume the roles: no repository has these ids.
REPOSITORY = GitHubRepository(
    owner="example", owner_id=999_999_999_999, name="example", repository_id=999_999_999_999
)
