"""The environments that CI deploys after a push to main."""

import ast
from pathlib import Path

from tools.errors import UserError
from tools.project import ROOT, environments

MARK = "DEPLOYED_BY_PUSH"


def deployed_by_push(root: Path = ROOT) -> list[str]:
    """The environments whose app.py sets DEPLOYED_BY_PUSH, ordered by its value.

    `True` is 1. Environments with the same value are in alphabetical order. Raises `UserError` for
    another value.
    """
    places = {name: _place(root / "apps" / name / "app.py") for name in environments(root)}
    return sorted((name for name in places if places[name]), key=lambda name: (places[name], name))


def _place(app: Path) -> int:
    """DEPLOYED_BY_PUSH in an app.py; 0 without it."""
    module = ast.parse(app.read_bytes())
    named = [node for node in ast.walk(module) if isinstance(node, ast.Name) and node.id == MARK]
    found = [_value(statement) for statement in module.body]
    values = [value for value in found if value is not None]
    if not named:
        return 0
    if len(named) > 1 or not values:
        raise UserError(
            f"apps/{app.parent.name}/app.py: set {MARK} once, on a line of its own that is not "
            f"indented: `{MARK} = True`, or a number to deploy environments in that order."
        )
    return values[0]


def _value(statement: ast.stmt) -> int | None:
    """The value that a statement gives DEPLOYED_BY_PUSH, if it is True, False or a number."""
    match statement:
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=int(value)))
            | ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=int(value)))
        ) if name == MARK:
            return value
    return None
