"""Edit an environment's app.py: add a stack to it, or make another environment of it."""

import ast
import re
from typing import TypeGuard

from stacks.core.environment import Environment, construct_id
from tools.errors import UserError

SYNTHESIZE = "app.synth()"
# The stack with the function and task roles: an environment without it has no foundation.
FOUNDATION = "IdentityStack"
ROLE_ARN = "LAMBDA_EXECUTION_ROLE_ARN"
DEPLOYED_BY_PUSH = "DEPLOYED_BY_PUSH"


def identity_variable(source: str) -> str | None:
    """The variable that holds the identity stack; None for an app without the foundation."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith(f"{FOUNDATION}("):
            return ast.unparse(node.targets[0])
    return None


def with_stack(source: str, path: str, domain: str, *, takes_role: bool) -> str:
    """The app with a domain's stack added; `takes_role` passes it the functions' role.

    Raises `UserError` if the app has not the line `app.synth()` once.
    """
    if source.count(SYNTHESIZE) != 1:
        raise UserError(
            f"{path} must contain the line `{SYNTHESIZE}` once. Nothing was written. Restore the "
            "line, and run the same command again."
        )
    stack = construct_id(domain)
    imports = [f"from stacks.{domain}.stack import {stack}"]
    lines = [f"{domain} = {stack}(app, environment)"]
    if takes_role:
        imports.append(f"from stacks.identity.exports import {ROLE_ARN}")
        arguments = f"app, environment, lambda_role_arn={ROLE_ARN}.import_from(environment)"
        lines = [
            f"{domain} = {stack}({arguments})",
            f"{domain}.add_stack_dependency({identity_variable(source)})",
        ]
    added = "\n".join(lines)
    source = source.replace("from stacks.", "\n".join([*imports, "from stacks."]), 1)
    return source.replace(SYNTHESIZE, f"{added}\n\n{SYNTHESIZE}")


def other_environment(source: str, name: str, **settings: str) -> str:
    """The app with another environment, which a push to main does not deploy.

    `settings` are further arguments for `Environment`, such as its region. Raises `UserError` if
    the app does not build exactly one `Environment`.
    """
    tree = ast.parse(source)
    calls = [node for node in ast.walk(tree) if _is_environment(node)]
    if len(calls) != 1:
        raise UserError(
            f"The app that is copied calls Environment(…) {len(calls)} times instead of once. "
            "Nothing was written. Write the new app by hand."
        )
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in calls[0].keywords}
    old_name = ast.literal_eval(given.get("name", repr(Environment.name)))
    given |= {key: repr(value) for key, value in {"name": name, **settings}.items()}
    arguments = ", ".join(f"{key}={value}" for key, value in given.items())
    source = source.replace(_text(source, calls[0]), f"Environment({arguments})")
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == DEPLOYED_BY_PUSH:
            source = _without(source, node)
    docstring = ast.get_docstring(tree) or ""
    described = docstring.replace(f"{old_name} environment", f"{name} environment")
    return source.replace(docstring, described, 1)


def _is_environment(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "Environment"


def _text(source: str, node: ast.AST) -> str:
    return ast.get_source_segment(source, node) or ""


def _without(source: str, node: ast.stmt) -> str:
    """The source without a statement, and without the comment above it."""
    text = re.escape(_text(source, node))
    return re.sub(rf"(^#.*\n)*^{text}.*\n", "", source, flags=re.MULTILINE)
