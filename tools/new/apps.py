"""Edit an environment's app.py: add a stack to it, or make another environment of it."""

import ast
import re

from stacks.core.environment import Environment, construct_id
from tools.errors import UserError

SYNTHESIZE = "app.synth()"
# The stack with the function and task roles: an environment without it has no foundation.
_FOUNDATION = re.compile(r"^(\w+) = IdentityStack\(", re.MULTILINE)
ROLE_ARN = "LAMBDA_EXECUTION_ROLE_ARN"


def identity_variable(source: str) -> str | None:
    """The variable that holds the identity stack; None for an app without the foundation."""
    found = _FOUNDATION.search(source)
    return found[1] if found else None


def with_stack(source: str, path: str, domain: str, *, takes_role: bool) -> str:
    """The app with a domain's stack added; `takes_role` passes it the functions' role.

    Raises `UserError` if the app has not the line `app.synth()` once.
    """
    if source.count(SYNTHESIZE) != 1:
        raise UserError(
            f"{path} must contain the line `{SYNTHESIZE}` once. Nothing was written. Correct it, "
            "and run the same command again."
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
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    calls = [node for node in nodes if ast.unparse(node.func) == "Environment"]
    if len(calls) != 1:
        raise UserError(
            f"The app that is copied calls Environment(…) {len(calls)} times instead of once. "
            "Nothing was written. Write the new app by hand."
        )
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in calls[0].keywords}
    given |= {key: repr(value) for key, value in {"name": name, **settings}.items()}
    arguments = ", ".join(f"{key}={value}" for key, value in given.items())
    old = str(ast.get_source_segment(source, calls[0]))
    source = source.replace(old, f"Environment({arguments})")
    return source.replace(f"The {Environment.name} environment", f"The {name} environment", 1)
