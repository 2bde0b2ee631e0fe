"""An environment's diagram shows its stacks, their imports, and what their roles may do."""

import json
from pathlib import Path

import pytest

from tools.cdk_cli.assembly import Json
from tools.docs.diagram import draw

BUCKET: Json = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "data-dev"}}
ROLE: Json = {
    "Type": "AWS::IAM::Role",
    "Metadata": {"aws:cdk:path": "IdentityStack/TaskRole/Resource"},
}
STORAGE: Json = {
    "Resources": {"Bucket": BUCKET, "Policy": {"Type": "AWS::S3::BucketPolicy"}},
    "Outputs": {
        "BucketName": {"Value": {"Ref": "Bucket"}, "Export": {"Name": "storage:BucketName"}},
        "BucketArn": {
            "Value": {"Fn::GetAtt": ["Bucket", "Arn"]},
            "Export": {"Name": "storage:BucketArn"},
        },
        "StackId": {"Value": {"Ref": "AWS::StackId"}, "Export": {"Name": "storage:StackId"}},
    },
}
BUCKET_ARN = {"Fn::ImportValue": "storage:BucketArn"}


def statement(resource: Json, *actions: str, **other: Json) -> Json:
    return {"Effect": "Allow", "Action": [*actions], "Resource": resource, **other}


def identity(*statements: Json, roles: Json = None) -> Json:
    """A stack with a role, and a policy for the role."""
    properties: Json = {
        "Roles": roles or [{"Ref": "Role"}],
        "PolicyDocument": {"Statement": [*statements]},
    }
    return {
        "Resources": {
            "Role": ROLE,
            "Policy": {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties},
        },
        "Outputs": {
            "RoleArn": {
                "Value": {"Fn::GetAtt": ["Role", "Arn"]},
                "Export": {"Name": "identity:RoleArn"},
            }
        },
    }


def lines(folder: Path, **templates: Json) -> list[str]:
    """The diagram's lines after its subgraphs."""
    return [line for line in drawn(folder, **templates) if not line.startswith("subgraph")]


def drawn(folder: Path, **templates: Json) -> list[str]:
    for stack, template in templates.items():
        (folder / f"{stack}.template.json").write_text(json.dumps(template))
    fence, kind, *found, end = draw(folder).splitlines()
    assert (fence, kind, end) == ("```mermaid", "flowchart LR", "```")
    return found


def test_a_stack_shows_the_names_or_paths_of_its_main_resources(tmp_path: Path) -> None:
    role = 'IdentityStack_TaskRole(["IAM Role<br>TaskRole"])'
    bucket = 'StorageStack_Bucket[("S3 Bucket<br>data-dev")]'
    assert drawn(tmp_path, StorageStack=STORAGE, IdentityStack=identity()) == [
        f'subgraph IdentityStack["IdentityStack"]; {role}; end',
        f'subgraph StorageStack["StorageStack"]; {bucket}; end',
    ]


def test_an_arrow_leads_from_an_exported_resource_to_each_importing_stack(tmp_path: Path) -> None:
    importer: Json = {"Resources": {"A": {"Properties": {"Code": [BUCKET_ARN, "x"]}}}}
    both: Json = {"One": BUCKET_ARN, "Two": {"Fn::ImportValue": "storage:BucketName"}}
    assert lines(tmp_path, StorageStack=STORAGE, AStack=importer, BStack=both) == [
        'StorageStack_Bucket -- "BucketArn" --> AStack',
        'StorageStack_Bucket -- "BucketArn, BucketName" --> BStack',
    ]


def test_an_export_of_another_value_belongs_to_its_stack(tmp_path: Path) -> None:
    importer: Json = {"Resources": {"A": {"Fn::ImportValue": "storage:StackId"}}}
    assert lines(tmp_path, StorageStack=STORAGE, AStack=importer) == [
        'StorageStack -- "StackId" --> AStack'
    ]


def test_an_import_from_outside_the_environment_is_left_out(tmp_path: Path) -> None:
    assert lines(tmp_path, AStack={"Resources": {"A": BUCKET_ARN}}) == []


TABLE = "arn:aws:dynamodb:us-east-1:1:table/a-*-dev"


@pytest.mark.parametrize(
    ("resource", "target"),
    [
        (BUCKET_ARN, "StorageStack_Bucket"),
        ([{"Fn::Join": ["", [BUCKET_ARN, "/*"]]}], "StorageStack_Bucket"),
        (TABLE, 'dynamodb_table_a_dev{{"dynamodb<br>table/a-*-dev"}}'),
        ([TABLE, f"{TABLE}/*"], 'dynamodb_table_a_dev{{"dynamodb<br>table/a-*-dev"}}'),
        (
            {"Fn::Join": ["", ["arn:aws:iam::", {"Ref": "AWS::AccountId"}, ":role/deploy"]]},
            'iam_role_deploy{{"iam<br>role/deploy"}}',
        ),
        (
            "arn:aws:logs:us-east-1:1:log-group:/a/*",
            'logs_log_group_a_{{"logs<br>log-group:/a/*"}}',
        ),
    ],
)
def test_a_dotted_arrow_leads_from_a_role_to_a_resource_or_pattern(
    tmp_path: Path, resource: Json, target: str
) -> None:
    template = identity(statement(resource, "s3:GetObject"))
    found = lines(tmp_path, StorageStack=STORAGE, IdentityStack=template)
    assert found[-1] == f'IdentityStack_TaskRole -. "s3:GetObject" .-> {target}'
    assert [line for line in found if "-." in line] == found[-1:]


@pytest.mark.parametrize(
    "left_out",
    [
        statement("*", "ecr:GetAuthorizationToken"),
        statement({"Fn::GetAtt": ["Key", "Arn"]}, "kms:Decrypt"),  # not in the diagram
        statement({"Fn::Join": "broken"}, "s3:GetObject"),
        statement(BUCKET_ARN, "s3:*", Effect="Deny"),
        statement(BUCKET_ARN, NotAction="s3:GetObject"),
        {"Effect": "Allow", "Action": "s3:*", "NotResource": BUCKET_ARN},
        "broken",
    ],
)
def test_a_statement_that_allows_no_named_action_on_a_target_is_left_out(
    tmp_path: Path, left_out: Json
) -> None:
    found = lines(tmp_path, StorageStack=STORAGE, IdentityStack=identity(left_out))
    assert [line for line in found if "-." in line] == []


def test_actions_on_a_target_share_an_arrow_that_names_two_of_them(tmp_path: Path) -> None:
    statements = [statement(TABLE, "a:1", "a:2"), statement(TABLE, "a:2")]
    assert '"a:1, a:2"' in lines(tmp_path, IdentityStack=identity(*statements))[0]
    statements.append({"Effect": "Allow", "Action": "a:3", "Resource": TABLE})
    assert '"a:1, a:2, …"' in lines(tmp_path, IdentityStack=identity(*statements))[0]


def test_roles_with_the_same_actions_share_a_line(tmp_path: Path) -> None:
    inline = [{"PolicyDocument": {"Statement": statement(TABLE, "a:1")}}]
    own: Json = {"Type": "AWS::IAM::Role", "Properties": {"Policies": inline}}
    (line,) = lines(
        tmp_path,
        IdentityStack=identity(statement(TABLE, "a:1")),
        OwnStack={"Resources": {"Own": own}},
    )
    assert line.startswith('IdentityStack_TaskRole & OwnStack_Own -. "a:1" .-> dynamodb')


def test_a_policy_of_another_stack_counts_for_the_imported_role(tmp_path: Path) -> None:
    name: Json = {"Fn::Select": [1, {"Fn::Split": ["/", {"Fn::ImportValue": "identity:RoleArn"}]}]}
    extra = identity(statement(TABLE, "a:1"), roles=[name])
    del extra["Resources"]["Role"], extra["Outputs"]  # type: ignore[call-overload, index]
    assert [
        line.partition(" .->")[0]
        for line in lines(tmp_path, IdentityStack=identity(), ExtraStack=extra)
    ] == ['IdentityStack_TaskRole -- "RoleArn" --> ExtraStack', 'IdentityStack_TaskRole -. "a:1"']


def test_a_policy_of_an_unknown_role_is_left_out(tmp_path: Path) -> None:
    template = identity(statement(TABLE, "a:1"), roles=["by-hand"])
    assert lines(tmp_path, IdentityStack=template) == []


@pytest.mark.parametrize("template", [{}, {"Resources": []}, {"Resources": {"A": None}}, []])
def test_a_template_without_resources_is_an_empty_stack(tmp_path: Path, template: Json) -> None:
    assert drawn(tmp_path, AStack=template) == ['subgraph AStack["AStack"]; end']
