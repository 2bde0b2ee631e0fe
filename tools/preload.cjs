// Loaded into the CDK CLI before anything else.
"use strict";
const { subscribe } = require("node:diagnostics_channel");
const { enableCompileCache } = require("node:module");
const { join } = require("node:path");

// The CLI is one file of 16 MB: a tenth of a second less each time but the first. Not by
// NODE_COMPILE_CACHE, which would reach the app: jsii loads it from another folder each time, so
// it would only fill the cache.
enableCompileCache(join(__dirname, "..", "build", "node"));

// End the CLI when the process that `cdk.tied` names is gone, however that ended. The CLI would go
// on alone, or wait for minutes for a cloud that has ended with that process; and unlike a signal
// to the group, this leaves Ctrl-C and the terminal as they are.
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
