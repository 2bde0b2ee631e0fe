// Loaded into the CDK CLI before its own code.
"use strict";
const { subscribe } = require("node:diagnostics_channel");
const { enableCompileCache } = require("node:module");
const { join } = require("node:path");

// The CLI is one file of 16 MB: the cache saves 0.1 s per run. NODE_COMPILE_CACHE would also reach
// the app, and fill the cache: jsii loads the app's code from a new folder each time.
enableCompileCache(join(__dirname, "..", "build", "node"));

// End the CLI when its parent, named by `cdk.supervised_environment`, has ended. Otherwise the CLI
// would continue alone, or wait for minutes for a local cloud that ended with the parent. A signal
// to the process group would also change how Ctrl-C works.
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
