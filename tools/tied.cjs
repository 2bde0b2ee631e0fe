// Loaded into the CDK CLI before anything else: ends it when the process that `cdk.tied` names is
// gone, however that ended. The CLI would go on alone, or wait for minutes for a cloud that has
// ended with that process; and unlike a signal to the group, this leaves Ctrl-C and the terminal
// as they are.
"use strict";
const { subscribe } = require("node:diagnostics_channel");

const parent = Number(process.env.WEALTH_OPS_PARENT);
delete process.env.WEALTH_OPS_PARENT; // only this process is its child
if (parent) {
  const children = new Set();
  subscribe("child_process", ({ process: child }) => children.add(child));
  setInterval(() => {
    if (process.ppid !== parent) {
      for (const child of children) child.kill(); // does nothing to one that has ended
      process.exit(1);
    }
  }, 500).unref();
}
