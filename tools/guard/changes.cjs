// Compares templates as `cdk diff` does: reads a list of {name, old, new} from stdin, and writes
// {stacks, types}: the changes of each, and AWS's specification of the resource types.

const { readFileSync } = require("node:fs");
const { formatDifferences, fullDiff } = require("@aws-cdk/cloudformation-diff");
const { loadAwsServiceSpecSync } = require("@aws-cdk/aws-service-spec");

const specification = loadAwsServiceSpecSync();

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

// The permissions of all statements and managed policies of resources.
const permissions = (Resources) => {
  const { statements, managedPolicies } = fullDiff({}, { Resources }).iamChanges;
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

const resource = ([id, change]) => ({
  id,
  type: change.oldResourceType ?? change.newResourceType,
  impact: change.changeImpact,
  old: change.oldValue,
  new: change.newValue,
  permissions_before: permissions(change.oldValue ? { [id]: change.oldValue } : {}),
  permissions_after: permissions(change.newValue ? { [id]: change.newValue } : {}),
});

// A new or removed stack without its settings, and without what the CDK adds to every template.
const shown = (template, other) => {
  if (Object.keys(other).length) return template;
  const { Parameters, Rules, Settings, ...own } = template;
  const { BootstrapVersion, ...parameters } = Parameters ?? {};
  const { CheckBootstrapVersion, ...rules } = Rules ?? {};
  const some = Object.entries({ Parameters: parameters, Rules: rules });
  return { ...own, ...Object.fromEntries(some.filter(([, value]) => Object.keys(value).length)) };
};

const compare = ({ name, old, new: new_ }) => {
  const difference = fullDiff(shown(old, new_), shown(new_, old));
  const text = [];
  formatDifferences({ write: (part) => text.push(part) }, difference);
  return {
    name,
    old,
    new: new_,
    text: text.join("").trim().replace("Unknown Settings", "Settings"),
    resources: Object.entries(difference.resources.changes).map(resource),
    permissions_before: permissions(old.Resources ?? {}),
    permissions_after: permissions(new_.Resources ?? {}),
  };
};

const templates = JSON.parse(readFileSync(0, "utf8"));
const types = new Set(
  templates
    .flatMap(({ old, new: new_ }) => [old.Resources ?? {}, new_.Resources ?? {}])
    .flatMap(Object.values)
    .map(({ Type }) => Type),
);
const found = Object.fromEntries([...types].map((type) => [type, resourceType(type)]));
process.stdout.write(JSON.stringify({ stacks: templates.map(compare), types: found }));
