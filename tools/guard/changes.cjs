// Compares templates as the CDK does: from stdin a list of {name, old, new}, to stdout the changes.

const { readFileSync } = require("node:fs");
const { fullDiff } = require("@aws-cdk/cloudformation-diff");
// Not of its public face, but it has loaded AWS's specification already, which takes a while.
const { loadResourceModel } = require("@aws-cdk/cloudformation-diff/lib/diff/util");

// AWS's specification of a resource type says whether losing a resource loses data.
const isStateful = (type) => loadResourceModel(type)?.isStateful ?? false;

const named = (differences) =>
  Object.entries(differences).map(([name, { oldValue, newValue, changeImpact }]) => ({
    name,
    old: oldValue,
    new: newValue,
    impact: changeImpact,
  }));

const resource = ([id, change]) => ({
  id,
  type: change.oldResourceType ?? change.newResourceType,
  stateful: isStateful(change.oldResourceType ?? change.newResourceType),
  impact: change.changeImpact,
  old: change.oldValue,
  new: change.newValue,
  properties: named(change.propertyUpdates),
});

// A statement that is an intrinsic function as a whole, such as Fn::If, could say anything.
const anything = (text) => {
  const one = (value) => ({ values: [value], not: false });
  return { effect: "Unknown", principals: one("?"), actions: one(text), resources: one("?") };
};

const statement = ({ serializedIntrinsic, ...known }) =>
  serializedIntrinsic ? anything(serializedIntrinsic) : known;

const isEmpty = (template) => Object.keys(template).length === 0;

const compare = ({ name, old, new: new_ }) => {
  const { resources, outputs, parameters, conditions, mappings, iamChanges, ...rest } = fullDiff(
    old,
    new_,
  );
  return {
    name,
    resources: Object.entries(resources.changes).map(resource),
    outputs: named(outputs.changes),
    others:
      isEmpty(old) || isEmpty(new_)
        ? []
        : [
            ...["description", "transform"].filter((key) => rest[key]),
            ...[parameters, conditions, mappings, rest.unknown].flatMap((each) => each.logicalIds),
          ],
    added: iamChanges.statements.additions.map(statement),
    removed: iamChanges.statements.removals.map(statement),
    attached: iamChanges.managedPolicies.additions,
  };
};

const templates = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(templates.map(compare)));
