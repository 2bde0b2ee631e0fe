"""Check at synthesis that the shared roles reach each resource by its name.

The identity stack's roles reach tables, indexes and log groups by name patterns, which
stacks/core/environment.py defines. A resource outside the patterns deploys, but its function or
task is denied access when it runs.

| finding | meaning |
|---|---|
| `Names::TableName` | a table without a name, or outside `<project>-*-<environment>` |
| `Names::TableIndexName` | an index whose name ends in `-<environment>`: the roles are denied it |
| `Names::TableDeletionProtection` | a table, or a replica, without deletion protection |
| `Names::FunctionName` | a function without a name, or outside `<project>-*-<environment>` |
| `Names::FunctionLogGroup` | a function without a log group, or outside `function_log_groups` |
| `Names::TaskLogGroup` | a container without a log group, or outside `task_log_groups` |

All tables are checked, because the roles reach a table only by its name. If neither role uses a
table, acknowledge its findings on the table with this reason. Functions and tasks are checked if
their role is imported from a stack in the same project and environment; a function with its own
role, for example in a CDK custom resource, is not. A name that is known only at deployment, for
example from a parameter, is outside.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from stacks.core.plugins import Finding
from stacks.core.templates import Resource, Template, at, imports, items

_RESOURCE_NAME = 'environment.resource_name("…")'


def check_names(template: Template) -> Iterator[Finding]:
    """A template's findings, from the table above."""
    for resource in template.resources.values():
        match resource.type:
            case "AWS::DynamoDB::Table" | "AWS::DynamoDB::GlobalTable":
                yield from _table(template, resource)
            case "AWS::Lambda::Function":
                if _is_shared(template, resource, "Role"):
                    yield from _function(template, resource)
            case "AWS::ECS::TaskDefinition":
                if _is_shared(template, resource, "TaskRoleArn", "ExecutionRoleArn"):
                    yield from _task(template, resource)


def _is_shared(template: Template, resource: Resource, *roles: str) -> bool:
    exports = f"{template.environment.resource_pattern}:*"
    return any(
        fnmatchcase(name, exports)
        for role in roles
        for name in imports(resource.properties.get(role))
    )


def _outside(kind: str, name: str | None, pattern: str) -> str | None:
    """The sentence about a name that does not match the pattern of the shared roles, or None."""
    if name is not None and fnmatchcase(name, pattern):
        return None
    if name is None:
        fault = f"The {kind} has no name, and a generated name"
    elif "<" in name:
        fault = f"The {kind} has the name {name}, which is known only at deployment and"
    else:
        fault = f"The {kind} {name}"
    return f"{fault} is outside {pattern}, the pattern of the shared roles."


def _table(template: Template, table: Resource) -> Iterator[Finding]:
    environment = template.environment
    if fault := _outside("table", template.name(table), environment.resource_pattern):
        fix = (
            f"Set table_name={_RESOURCE_NAME}. If neither shared role uses the table, acknowledge "
            "the finding with this reason."
        )
        yield Finding("TableName", table.id, "TableName", fault, fix)

    for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        for index in items(table.properties.get(kind)):
            name = template.text(at(index, "IndexName"))
            if name.endswith((f"-{environment.name}", ">")):
                fault = f"The shared roles are denied the index {name}: its name may end in "
                fault += f"-{environment.name}."
                fix = f"Remove -{environment.name} from index_name."
                yield Finding("TableIndexName", table.id, kind, fault, fix)

    protected = "DeletionProtectionEnabled"
    replicas = items(table.properties.get("Replicas")) or [table.properties]
    if not all(at(replica, protected) is True for replica in replicas):
        fault = "The table can be deleted with its data."
        fix = "Set deletion_protection=True."
        yield Finding("TableDeletionProtection", table.id, protected, fault, fix)


def _function(template: Template, function: Resource) -> Iterator[Finding]:
    environment = template.environment
    if fault := _outside("function", template.name(function), environment.resource_pattern):
        fix = f"Set function_name={_RESOURCE_NAME}."
        yield Finding("FunctionName", function.id, "FunctionName", fault, fix)

    if fault := _fault_of_log_group(template, function):
        fix = "Set log_group to a LogGroup whose log_group_name is /aws/lambda/<function_name>."
        yield Finding("FunctionLogGroup", function.id, "LoggingConfig", fault, fix)


def _fault_of_log_group(template: Template, function: Resource) -> str | None:
    group = at(function.properties.get("LoggingConfig"), "LogGroup")
    if group is not None:
        return _outside("log group", template.text(group), template.environment.function_log_groups)
    # Lambda's default. The CDK adds this log group to a function without a log_group.
    default = f"/aws/lambda/{template.text({'Ref': function.id})}"
    groups = [it for it in template.resources.values() if it.type == "AWS::Logs::LogGroup"]
    if default in [template.name(group) for group in groups]:
        return None
    return (
        "The function has no log group; the shared roles cannot create one, so its output is lost."
    )


def _task(template: Template, task: Resource) -> Iterator[Finding]:
    groups = template.environment.task_log_groups
    fix = (
        "Set logging=ecs.LogDrivers.aws_logs(…) with a log_group whose log_group_name begins with "
        f"{groups.removesuffix('*')}."
    )
    for container in items(task.properties.get("ContainerDefinitions")):
        if fault := _fault_of_logging(template, at(container, "LogConfiguration")):
            fault = f"Container {template.text(at(container, 'Name'))}: {fault}"
            yield Finding("TaskLogGroup", task.id, "ContainerDefinitions", fault, fix)


def _fault_of_logging(template: Template, logging: object) -> str | None:
    if logging is None:
        return "It has no logging, so its output is lost."
    if at(logging, "LogDriver") != "awslogs":  # another service receives the output
        return None
    group = template.text(at(logging, "Options", "awslogs-group"))
    return _outside("log group", group, template.environment.task_log_groups)
