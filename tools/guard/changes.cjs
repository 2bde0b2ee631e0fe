// Compares templates as `cdk diff` does: reads a list of {name, old, new} from stdin, and writes the
// changes of each to stdout.

const { readFileSync } = require("node:fs");
const { formatDifferences, fullDiff } = require("@aws-cdk/cloudformation-diff");
// The package does not export this function, but it has already loaded AWS's specification.
const { loadResourceModel } = require("@aws-cdk/cloudformation-diff/lib/diff/util");

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

const resource = ([id, change]) => {
  const type = change.oldResourceType ?? change.newResourceType;
  const { isStateful = false, name = "", primaryIdentifier = [] } = loadResourceModel(type) ?? {};
  return {
    id,
    type,
    stateful: isStateful,
    // For example, a queue has the identifier QueueUrl and the name QueueName.
    identifiers: [primaryIdentifier, [`${name}Name`]],
    impact: change.changeImpact,
    old: change.oldValue,
    new: change.newValue,
    causes: Object.entries(change.propertyUpdates)
      .filter(([, { changeImpact }]) => /REPLACE/.test(changeImpact))
      .map(([name, { oldValue = null, newValue = null }]) => [name, oldValue, newValue]),
    permissions_before: permissions(change.oldValue ? { [id]: change.oldValue } : {}),
    permissions_after: permissions(change.newValue ? { [id]: change.newValue } : {}),
  };
};

const compare = ({ name, old, new: new_ }) => {
  const difference = fullDiff(old, new_);
  const text = [];
  formatDifferences({ write: (part) => text.push(part) }, difference);
  return {
    name,
    old,
    new: new_,
    text: text.join("").trim(),
    resources: Object.entries(difference.resources.changes).map(resource),
    permissions_before: permissions(old.Resources ?? {}),
    permissions_after: permissions(new_.Resources ?? {}),
  };
};

const templates = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(templates.map(compare)));
