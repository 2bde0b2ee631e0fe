"""An environment's diagram shows its stacks, their imports, and what their roles may do."""

import json
from pathlib import Path

import pytest

from tools.cdk_cli.assembly import Json
from tools.docs.diagram import draw

ROLE: Json = {
    "Type": "AWS::IAM::Role",
    "Metadata": {"aws:cdk:path": "IdentityStack/TaskRole/Resource"},
}
STORAGE: Json = {
    "Resources": {"Data": {"Type": "AWS::S3::Bucket"}, "Policy": {"Type": "AWS::S3::BucketPolicy"}},
    "Outputs": {
        "BucketName": {"Value": {"Ref": "Data"}, "Export": {"Name": "storage:BucketName"}},
        "BucketArn": {
            "Value": {"Fn::GetAtt": ["Data", "Arn"]},
            "Export": {"Name": "storage:BucketArn"},
        },
        "StackId": {"Value": {"Ref": "AWS::StackId"}, "Export": {"Name": "storage:StackId"}},
    },
}
BUCKET_ARN = {"Fn::ImportValue": "storage:BucketArn"}
TABLE = "arn:aws:dynamodb:us-east-1:1:table/a-*-dev"


def statement(resource: Json, *actions: str, **other: Json) -> Json:
    return {"Effect": "Allow", "Action": [*actions], "Resource": resource, **other}


def policy(*statements: Json, role: Json) -> Json:
    properties: Json = {"Roles": [role], "PolicyDocument": {"Statement": [*statements]}}
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}


def identity(*statements: Json, role: Json = None) -> Json:
    """A stack with a role, and a policy for the role."""
    export: Json = {"Name": "identity:RoleArn"}
    return {
        "Resources": {"Role": ROLE, "Policy": policy(*statements, role=role or {"Ref": "Role"})},
        "Outputs": {"RoleArn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}, "Export": export}},
    }


def drawn(folder: Path, **templates: Json) -> list[str]:
    for stack, template in templates.items():
        (folder / f"{stack}.template.json").write_text(json.dumps(template))
    fence, kind, *found, end = draw(folder).splitlines()
    assert (fence, kind, end) == ("```mermaid", "flowchart LR", "```")
    return found


def arrows(folder: Path, **templates: Json) -> list[str]:
    """The diagram's lines after its subgraphs."""
    return [line for line in drawn(folder, **templates) if not line.startswith("subgraph")]


def test_a_stack_shows_its_main_resources(tmp_path: Path) -> None:
    empty: Json = {"Resources": {}}
    assert drawn(tmp_path, AStack=empty, StorageStack=STORAGE, IdentityStack=identity()) == [
        "subgraph AStack; end",
        'subgraph IdentityStack; IdentityStack_Role["IAM::Role<br>TaskRole"]; end',
        'subgraph StorageStack; StorageStack_Data["S3::Bucket<br>Data"]; end',
    ]


def test_an_arrow_leads_from_an_exported_resource_to_each_importing_stack(tmp_path: Path) -> None:
    importer: Json = {"Resources": {"A": {"Properties": {"Code": [BUCKET_ARN, "x"]}}}}
    both: Json = {"One": BUCKET_ARN, "Two": {"Fn::ImportValue": "storage:BucketName"}}
    other_value: Json = {"Resources": {"A": {"Fn::ImportValue": "storage:StackId"}}}
    outside: Json = {"Resources": {"A": {"Fn::ImportValue": "elsewhere:Arn"}}}
    found = arrows(tmp_path, StorageStack=STORAGE, A=importer, B=both, C=other_value, D=outside)
    assert found == [
        'StorageStack_Data -->|"BucketArn"| A',
        'StorageStack_Data -->|"BucketArn, BucketName"| B',
        'StorageStack -->|"StackId"| C',
    ]


@pytest.mark.parametrize(
    ("resource", "target"),
    [
        (BUCKET_ARN, "StorageStack_Data"),
        ([{"Fn::Join": ["", [BUCKET_ARN, "/*"]]}], "StorageStack_Data"),
        ([TABLE, f"{TABLE}/*"], 'dynamodb_table_a_dev["dynamodb<br>table/a-*-dev"]'),
        (
            {"Fn::Join": ["", ["arn:aws:iam::", {"Ref": "AWS::AccountId"}, ":role/deploy"]]},
            'iam_role_deploy["iam<br>role/deploy"]',
        ),
        ("arn:aws:logs:us-east-1:1:log-group:/a/*", 'logs_log_group_a_["logs<br>log-group:/a/*"]'),
    ],
)
def test_a_dotted_arrow_leads_from_a_role_to_a_resource_or_pattern(
    tmp_path: Path, resource: Json, target: str
) -> None:
    template = identity(statement(resource, "s3:GetObject"))
    found = arrows(tmp_path, StorageStack=STORAGE, IdentityStack=template)
    assert found[-1] == f'IdentityStack_Role -.->|"s3:GetObject"| {target}'
    assert [line for line in found if "-." in line] == found[-1:]


@pytest.mark.parametrize(
    "left_out",
    [
        statement("*", "ecr:GetAuthorizationToken"),
        statement({"Fn::GetAtt": ["Key", "Arn"]}, "kms:Decrypt"),  # not in the diagram
        statement(BUCKET_ARN, "s3:*", Effect="Deny"),
        statement(BUCKET_ARN, NotAction="s3:GetObject"),
        {"Effect": "Allow", "Action": "s3:*", "NotResource": BUCKET_ARN},
    ],
)
def test_a_statement_that_allows_no_named_action_on_a_target_is_left_out(
    tmp_path: Path, left_out: Json
) -> None:
    found = arrows(tmp_path, StorageStack=STORAGE, IdentityStack=identity(left_out))
    assert [line for line in found if "-." in line] == []


def test_actions_on_a_target_share_an_arrow_that_names_two_of_them(tmp_path: Path) -> None:
    statements = [statement(TABLE, "a:1", "a:2"), statement(TABLE, "a:2")]
    assert '"a:1, a:2"' in arrows(tmp_path, IdentityStack=identity(*statements))[0]
    statements.append({"Effect": "Allow", "Action": "a:3", "Resource": TABLE})
    assert '"a:1, a:2, …"' in arrows(tmp_path, IdentityStack=identity(*statements))[0]


def test_inline_policies_and_policies_of_other_stacks_count_for_a_role(tmp_path: Path) -> None:
    inline = [{"PolicyDocument": {"Statement": statement(TABLE, "a:1")}}]
    own: Json = {"Type": "AWS::IAM::Role", "Properties": {"Policies": inline}}
    name: Json = {"Fn::Select": [1, {"Fn::Split": ["/", {"Fn::ImportValue": "identity:RoleArn"}]}]}
    found = arrows(
        tmp_path,
        IdentityStack=identity(statement(TABLE, "a:3"), role="by-hand"),  # an unknown role
        OtherStack={"Resources": {"Extra": policy(statement(TABLE, "a:2"), role=name)}},
        OwnStack={"Resources": {"Own": own}},
    )
    assert [line.partition("| dynamodb")[0] for line in found] == [
        'IdentityStack_Role -->|"RoleArn"| OtherStack',
        'IdentityStack_Role -.->|"a:2"',
        'OwnStack_Own -.->|"a:1"',
    ]
