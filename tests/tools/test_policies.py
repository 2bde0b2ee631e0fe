"""Policy documents as a linter reads them."""

import pytest

from tools.policies import Json, documents


def statement(resource: Json) -> Json:
    return {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource}]}


def one(resource: Json, **templates: dict[str, Json]) -> Json:
    role: dict[str, Json] = {"Type": "AWS::IAM::Role", "Properties": {"Trust": statement(resource)}}
    template: dict[str, Json] = {"Resources": {"Role": role}}
    [(name, logical_id, document)] = documents({"its": template, **templates})
    assert (name, logical_id) == ("its", "Role")
    match document:
        case {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": resolved}]}:
            return resolved
    raise AssertionError(document)


def exporting(kind: str, properties: Json) -> dict[str, Json]:
    arn: Json = {"Fn::GetAtt": ["It", "Arn"]}
    return {
        "Resources": {"It": {"Type": kind, "Properties": properties}},
        "Outputs": {
            "Arn": {"Value": arn, "Export": {"Name": "theirs:Arn"}},
            "Ref": {"Value": {"Ref": "It"}, "Export": {"Name": "theirs:Ref"}},
            "NotExported": {"Value": "x"},
        },
    }


def test_every_policy_is_found_wherever_it_lies_in_a_resource() -> None:
    template: dict[str, Json] = {
        "Resources": {
            "Role": {
                "Properties": {
                    "AssumeRolePolicyDocument": statement("trust"),
                    "Policies": [{"PolicyName": "p", "PolicyDocument": statement("inline")}],
                    "Description": "no policy",
                }
            },
            "Bucket": {"Type": "AWS::S3::Bucket"},
            "Key": {"Properties": {"KeyPolicy": statement("key")}},
        },
        "Parameters": {"P": {"Default": "x"}},
    }
    assert list(documents({"a": template, "b": {}})) == [
        ("a", "Role", statement("trust")),
        ("a", "Role", statement("inline")),
        ("a", "Key", statement("key")),
    ]


def test_functions_are_replaced_by_what_aws_would_put_there() -> None:
    account: Json = {"Ref": "AWS::AccountId"}
    assert one({"Fn::Join": ["", ["arn:aws:logs:us-east-1:", account, ":*"]]}) == (
        "arn:aws:logs:us-east-1:123456789012:*"
    )
    assert one([{"Ref": "Role"}, 1]) == ["Role", 1]


@pytest.mark.parametrize(
    ("kind", "properties", "arn"),
    [
        ("AWS::S3::Bucket", {"Size": 1, "BucketName": "data"}, "arn:aws:s3:::data"),
        ("AWS::IAM::Role", {}, "arn:aws:iam::123456789012:role/It"),
        (
            "AWS::ECR::Repository",
            {"RepositoryName": "images"},
            "arn:aws:ecr:us-east-1:123456789012:repository/images",
        ),
    ],
)
def test_an_import_is_what_another_template_exports(kind: str, properties: Json, arn: str) -> None:
    theirs = exporting(kind, properties)
    assert one({"Fn::ImportValue": "theirs:Arn"}, theirs=theirs) == arn
    assert arn.endswith(str(one({"Fn::ImportValue": "theirs:Ref"}, theirs=theirs)))


@pytest.mark.parametrize(
    ("kind", "reference"),
    [
        ("AWS::SNS::Topic", "arn:aws:sns:us-east-1:123456789012:topic/It"),
        ("AWS::SecretsManager::Secret", "arn:aws:secretsmanager:us-east-1:123456789012:secret/It"),
        ("AWS::DynamoDB::Table", "It"),
        ("Custom::Thing", "It"),
        ("Somebodys::Own::Thing", "It"),
    ],
)
def test_a_reference_is_the_arn_where_aws_makes_it_so(kind: str, reference: str) -> None:
    assert one({"Fn::ImportValue": "theirs:Ref"}, theirs=exporting(kind, {})) == reference


def test_every_attribute_that_is_an_arn_is_one() -> None:
    template: dict[str, Json] = {
        "Resources": {
            "Table": {"Type": "AWS::DynamoDB::Table"},
            "Role": {"Trust": statement({"Fn::GetAtt": ["Table", "StreamArn"]})},
        }
    }
    assert [*documents({"its": template})] == [
        ("its", "Role", statement("arn:aws:dynamodb:us-east-1:123456789012:table/Table"))
    ]


@pytest.mark.parametrize(
    "function",
    [
        {"Fn::ImportValue": "nobody:Exports"},
        {"Fn::Sub": "arn:aws:s3:::${Bucket}"},
        {"Fn::GetAtt": ["Role", "RoleId"]},
    ],
)
def test_a_function_that_is_not_known_is_an_error(function: Json) -> None:
    with pytest.raises(ValueError, match=r"add this form to tools\.policies"):
        one(function)
