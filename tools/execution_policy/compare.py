"""Compare an environment's rights with those that are recorded or deployed elsewhere.

Imports no AWS data, so that a deploy needs none.
"""

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import chain, product

from stacks.core.rights import SNAPSHOTS, Rights, Statement


def missing(needed: Rights, held: Rights) -> list[str]:
    """What `held` lacks, for example `sqs:CreateQueue on arn:…`, for CloudFormation and roles."""
    execution = _missing(chain(*needed["execution"]), [*chain(*held["execution"])])
    boundary = _missing(needed["boundary"], held["boundary"])
    return [*execution, *(f"{line} (for roles)" for line in boundary)]


def how_to_deploy(environment: str) -> str:
    """The command with which a person deploys an environment's recorded rights."""
    boundary = f'-boundary-{environment}"'
    for file in sorted(SNAPSHOTS.glob("*/ExecutionStack.template.json")):
        if boundary in file.read_text():
            return f"uv run nox -s deploy -- --environment {file.parent.name} --to aws"
    return (
        f'add "{environment}" to ENVIRONMENTS in the account\'s apps/<account>/app.py, record it '
        "with `uv run nox -s snapshots`, and deploy that environment"
    )


def matches(text: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns, with IAM's wildcards, covers a text."""
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def _missing(needed: Iterable[Statement], held: Sequence[Statement]) -> Iterator[str]:
    for statement in needed:
        lacking = [
            (action, arn)
            for action, arn in product(statement["Action"], statement["Resource"])
            if not any(_covers(other, statement, action, arn) for other in held)
        ]
        if lacking:
            actions = dict.fromkeys(action for action, _ in lacking)
            arns = dict.fromkeys(arn for _, arn in lacking)
            yield f"{', '.join(actions)} on {', '.join(arns)}"


def _covers(held: Statement, needed: Statement, action: str, arn: str) -> bool:
    """Whether a statement allows an action on an ARN, under no other condition."""
    is_unconditional = held.get("Condition") in (None, needed.get("Condition"))
    return is_unconditional and matches(action, held["Action"]) and matches(arn, held["Resource"])
