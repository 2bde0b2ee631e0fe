"""The policy documents in the templates of a cloud assembly, as a linter of policies reads them."""

from collections.abc import Iterator, Mapping

# AWS's own example. A linter wants to see ARNs, but not whose they are.
_ACCOUNT = "123456789012"
_PSEUDO = {
    "AWS::AccountId": _ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::URLSuffix": "amazonaws.com",
}

type Json = str | int | float | bool | list[Json] | dict[str, Json] | None


def documents(templates: Mapping[str, dict[str, Json]]) -> Iterator[tuple[str, str, Json]]:
    """Each policy document in `templates`, with its template's name and its resource's logical id.

    It is whatever has statements, wherever it lies in a resource: a role's trust, an inline or a
    managed policy, that of a bucket, repository, queue or key. Intrinsic functions are replaced by
    what AWS would put there, imports by what another of the templates exports. Raises `ValueError`
    for a function that is not known here.
    """
    exports: dict[str, tuple[Json, Json]] = {}
    for template in templates.values():
        for output in children(template, "Outputs").values():
            match output:
                case {"Export": {"Name": str(name)}, "Value": value}:
                    exports[name] = (value, template)

    def resolve(value: Json, template: Json) -> Json:
        match value:
            case {"Fn::Join": [str(separator), [*parts]]}:
                return separator.join(str(resolve(part, template)) for part in parts)
            case {"Fn::ImportValue": str(name)} if name in exports:
                return resolve(*exports[name])
            case {"Ref": str(name)}:
                return _PSEUDO.get(name) or _reference(name, template)
            case {"Fn::GetAtt": [str(name), str(attribute)]} if attribute.endswith("Arn"):
                return _arn(name, template)
            case dict() if any(key == "Ref" or key.startswith("Fn::") for key in value):
                raise ValueError(f"A policy holds {value}; add this form to {__name__}.")
            case dict():
                return {key: resolve(part, template) for key, part in value.items()}
            case list():
                return [resolve(part, template) for part in value]
        return value

    for name, template in templates.items():
        for logical_id, resource in children(template, "Resources").items():
            for document in _with_statements(resource):
                yield name, logical_id, resolve(document, template)


def children(value: Json, *keys: str) -> dict[str, Json]:
    """What lies under `keys`, one below the other; nothing, where they lead nowhere."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _with_statements(value: Json) -> Iterator[Json]:
    match value:
        case {"Statement": _}:
            yield value
        case dict():
            for part in value.values():
                yield from _with_statements(part)
        case list():
            for part in value:
                yield from _with_statements(part)


def _reference(logical_id: str, template: Json) -> str:
    """What `Ref` gives: the primary identifier of a resource, which of some is the ARN."""
    kind = children(template, "Resources", logical_id).get("Type")
    # The Id of a secret is its ARN (template reference, AWS::SecretsManager::Secret, Ref).
    if kind == "AWS::SecretsManager::Secret" or _identifier(str(kind)).endswith("Arn"):
        return _arn(logical_id, template)
    return _physical_name(logical_id, template)


def _identifier(kind: str) -> str:
    # Here, since it takes half a second; cfn-lint comes with the schemas of AWS.
    from cfnlint.schema import (  # type: ignore[import-untyped] # cfn-lint has no types
        PROVIDER_SCHEMA_MANAGER,
        ResourceNotFoundError,
    )

    try:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(_PSEUDO["AWS::Region"], kind).schema
    except ResourceNotFoundError:  # a parameter, or a resource of somebody's own
        return ""
    return str(schema["primaryIdentifier"][0])


def _physical_name(logical_id: str, template: Json) -> str:
    for key, value in children(template, "Resources", logical_id, "Properties").items():
        if key.endswith("Name") and isinstance(value, str):
            return value
    return logical_id


def _arn(logical_id: str, template: Json) -> str:
    # The shape that most services use (IAM user guide, "Identify AWS resources with ARNs").
    kind = str(children(template, "Resources", logical_id)["Type"]).lower()
    _, service, resource = kind.split("::")
    name = _physical_name(logical_id, template)
    if service == "s3":
        return f"arn:aws:s3:::{name}"
    region = "" if service == "iam" else _PSEUDO["AWS::Region"]
    return f"arn:aws:{service}:{region}:{_ACCOUNT}:{resource}/{name}"
