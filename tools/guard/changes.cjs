// Compares templates as `cdk diff` does: reads a list of {name, old, new} from stdin, and writes the
// changes of each to stdout.

const { readFileSync } = require("node:fs");
const { formatDifferences, fullDiff } = require("@aws-cdk/cloudformation-diff");
// Not exported by the package, but it has loaded AWS's resource specification already.
const { loadResourceModel } = require("@aws-cdk/cloudformation-diff/lib/diff/util");

// A statement that is an intrinsic function as a whole, such as Fn::If, may allow anything.
const unknown = (text) => {
  const one = (value) => ({ values: [value], not: false });
  return { effect: "Unknown", principals: one("?"), actions: one(text), resources: one("?") };
};
const statement = ({ serializedIntrinsic, ...known }) =>
  serializedIntrinsic ? unknown(serializedIntrinsic) : known;

// The IAM changes of one resource, without statements that only move between two resources.
const permissions = (id, { oldValue, newValue }, { statements, managedPolicies }) => {
  const only = (value) => ({ Resources: value ? { [id]: value } : {} });
  const own = fullDiff(only(oldValue), only(newValue)).iamChanges;
  const among = (some, all) => some.filter((each) => all.some((other) => other.equal(each)));
  return {
    added: among(own.statements.additions, statements.additions).map(statement),
    removed: among(own.statements.removals, statements.removals).map(statement),
    attached: among(own.managedPolicies.additions, managedPolicies.additions),
  };
};

const resource = (id, change, iamChanges) => {
  const type = change.oldResourceType ?? change.newResourceType;
  const { isStateful = false, name = "", primaryIdentifier = [] } = loadResourceModel(type) ?? {};
  return {
    id,
    type,
    stateful: isStateful,
    // A queue is identified by its URL, but named by its QueueName.
    identifiers: [primaryIdentifier, [`${name}Name`]],
    impact: change.changeImpact,
    old: change.oldValue,
    new: change.newValue,
    properties: Object.entries(change.propertyUpdates).map(
      ([name, { oldValue, newValue, changeImpact }]) => ({
        name,
        old: oldValue,
        new: newValue,
        impact: changeImpact,
      }),
    ),
    ...permissions(id, change, iamChanges),
  };
};

const compare = ({ name, old, new: new_ }) => {
  const difference = fullDiff(old, new_);
  const text = [];
  formatDifferences({ write: (part) => text.push(part) }, difference);
  const resources = Object.entries(difference.resources.changes).map(([id, change]) =>
    resource(id, change, difference.iamChanges),
  );
  return { name, old, new: new_, text: text.join("").trim(), resources };
};

const templates = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(templates.map(compare)));
