"""What the guard says to changes of a stack: for the tests of each domain."""

from collections.abc import Callable, Mapping
from types import ModuleType

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template
from constructs import Construct

from tools.guard.changes import compare
from tools.guard.hazards import hazards

# Builds a stack as it would be after a change, for which it may patch what the stack is built of.
type Change = Callable[[pytest.MonkeyPatch], cdk.Stack]


class Case:
    """A change, and the sentences that the guard says to it; none if it passes."""

    def __init__(self, change: Change, *said: str) -> None:
        self.change = change
        self.said = [*said]


def said_to(cases: Mapping[str, Case], stack: cdk.Stack) -> dict[str, list[str]]:
    """What the guard says when `stack`, deployed as it is, is changed: by the name of the change.

    All are compared at once: the CDK's comparison takes longer to start than to compare.
    """
    before = Template.from_stack(stack).to_json()
    pairs = {}
    for name, case in cases.items():
        with pytest.MonkeyPatch.context() as patch:
            pairs[name] = (before, Template.from_stack(case.change(patch)).to_json())
        assert before != pairs[name][1], f"{name!r} changes nothing"
    return {
        each["name"]: [hazard.removeprefix(f"{each['name']}: ") for hazard in hazards(each)]
        for each in compare(pairs)
    }


def then[S: cdk.Stack](build: Callable[[], S], alter: Callable[[S], object]) -> Change:
    """The stack, after `alter` of it."""

    def change(_: pytest.MonkeyPatch) -> S:
        stack = build()
        alter(stack)
        return stack

    return change


def made_with(
    build: Callable[[], cdk.Stack],
    library: ModuleType,
    kind: str,
    name: str,
    arguments: Mapping[str, object],
    within: str | None = None,
) -> Change:
    """The stack, if its construct with the id `name`, of a class of `library`, is made otherwise.

    `arguments`, `id` among them, replace those that the stack gives; `within` is the id of a
    construct to put it into.
    """
    real: Callable[..., Construct] = getattr(library, kind)

    def make(scope: Construct, id_: str, **own: object) -> Construct:
        if id_ != name:
            return real(scope, id_, **own)
        scope = Construct(scope, within) if within else scope
        return real(**{**own, "scope": scope, "id": id_, **arguments})

    def change(patch: pytest.MonkeyPatch) -> cdk.Stack:
        patch.setattr(library, kind, make)
        return build()

    return change
