// Compares templates as `cdk diff` does: reads a list of {old, new} from stdin, and writes
// {stacks, types}: what each stack changes, and AWS's specification of the resource types.

const { readFileSync } = require("node:fs");
const { formatDifferences, fullDiff } = require("@aws-cdk/cloudformation-diff");
const { loadAwsServiceSpecSync } = require("@aws-cdk/aws-service-spec");

const specification = loadAwsServiceSpecSync();

// Which changed properties replace the resource ("yes" or "maybe"), by path: `KeySchema`, or for
// list elements `GlobalSecondaryIndexes[].KeySchema`. A property whose inner properties all replace
// the resource does so itself.
const replacing = (properties, path = "", outer = []) => {
  const found = {};
  for (const [name, { causesReplacement = "no", type }] of Object.entries(properties)) {
    const isList = type.type === "array";
    const id = (isList ? type.element : type).reference?.$ref;
    if (causesReplacement !== "no") {
      found[path + name] = causesReplacement;
    } else if (id && !outer.includes(id)) {
      const inner = specification.get("typeDefinition", id).properties;
      if (Object.values(inner).every((property) => property.causesReplacement)) {
        found[path + name] = "maybe";
      } else {
        Object.assign(found, replacing(inner, `${path}${name}${isList ? "[]" : ""}.`, [...outer, id]));
      }
    }
  }
  return found;
};

// The properties that name one resource, unless AWS chooses the name, and the properties within whose
// values the name is unique. For example, a queue has a QueueName, which is not its identifier, and
// an alias has a Name for one FunctionName.
const nameOf = ({ name: type, primaryIdentifier = [], properties }) => {
  const isReference = (key) => Boolean(properties[key].relationshipRefs);
  if (primaryIdentifier.length && primaryIdentifier.every((key) => key in properties)) {
    const name = primaryIdentifier.filter((key) => !isReference(key));
    const scope = primaryIdentifier.filter(isReference);
    return name.length ? { name, scope } : { name: primaryIdentifier, scope: [] };
  }
  const fixed = Object.keys(properties).filter((key) => properties[key].causesReplacement);
  const name = fixed.filter((key) => key.endsWith("Name") && `${type}Name`.endsWith(key));
  const scope = fixed.filter((key) => isReference(key) || properties[key].required);
  return { name, scope };
};

const resourceType = (type) => {
  const [model] = specification.lookup("resource", "cloudFormationType", "equals", type);
  if (!model) return { stateful: false, replacing: {}, name: [], scope: [] };
  const { isStateful: stateful = false, properties } = model;
  return { stateful, replacing: replacing(properties), ...nameOf(model) };
};

const values = ({ values, not }) => (not ? [`all but ${values.join(", ")}`] : values);

// Each action of each principal on each resource. A statement that is an intrinsic function as a
// whole, such as Fn::If, may allow anything.
const expand = ({ serializedIntrinsic, effect, principals, actions, resources, condition }) => {
  if (serializedIntrinsic) {
    const unknown = { action: "unknown actions", resource: "unknown resources", condition: "" };
    return [{ effect: "Unknown", principal: serializedIntrinsic, ...unknown }];
  }
  const permissions = [];
  for (const principal of values(principals)) {
    for (const action of values(actions)) {
      for (const resource of values(resources)) {
        const text = condition ? JSON.stringify(condition) : "";
        permissions.push({ effect, principal, action, resource, condition: text });
      }
    }
  }
  return permissions;
};

// The permissions of a resource's statements and managed policies.
const permissions = (id, resource) => {
  const { statements, managedPolicies } = fullDiff({}, { Resources: { [id]: resource } }).iamChanges;
  return [
    ...statements.additions.flatMap(expand),
    ...managedPolicies.additions.map(({ identityArn, managedPolicyArn }) => ({
      effect: "Allow",
      principal: identityArn,
      action: `the actions of ${managedPolicyArn}`,
      resource: "its resources",
      condition: "",
    })),
  ];
};

// In permissions, an import is a reference to the export, for example `${storage:BucketArn}`, and so
// is the name that the CDK takes from an imported role's ARN.
const withReferences = (_, value) => {
  const name = value?.["Fn::ImportValue"];
  if (typeof name === "string") return { Ref: name };
  const [index, parts] = value?.["Fn::Select"] ?? [];
  const [separator, arn] = parts?.["Fn::Split"] ?? [];
  return index === 1 && separator === "/" ? arn : value;
};

// Each resource's permissions, by logical id.
const allPermissions = ({ Resources = {} }) => {
  const resources = JSON.parse(JSON.stringify(Resources), withReferences);
  const entries = Object.entries(resources);
  return Object.fromEntries(entries.map(([id, resource]) => [id, permissions(id, resource)]));
};

// The template without what the CDK adds to each one.
const own = (template) => {
  const { BootstrapVersion, ...Parameters } = template.Parameters ?? {};
  const { CheckBootstrapVersion, ...Rules } = template.Rules ?? {};
  return { ...template, Parameters, Rules };
};

const compare = ({ old: before, new: after }) => {
  const difference = fullDiff(own(before), own(after));
  const text = [];
  formatDifferences({ write: (part) => text.push(part) }, difference);
  const changes = Object.entries(difference.resources.changes);
  return {
    text: text.join("").trim().replace("Unknown Settings", "Settings"),
    impacts: Object.fromEntries(changes.map(([id, { changeImpact }]) => [id, changeImpact])),
    before: allPermissions(before),
    after: allPermissions(after),
  };
};

const templates = JSON.parse(readFileSync(0, "utf8"));
const types = new Set(
  templates
    .flatMap(({ old: before, new: after }) => [before, after])
    .flatMap(({ Resources = {} }) => Object.values(Resources))
    .map(({ Type }) => Type),
);
const found = Object.fromEntries([...types].map((type) => [type, resourceType(type)]));
process.stdout.write(JSON.stringify({ stacks: templates.map(compare), types: found }));
