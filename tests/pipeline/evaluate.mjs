// Evaluates expressions of GitHub Actions with GitHub's own library: a JSON request a line,
// {"expression": "…", "contexts": {…}, "status": {"success": true, …}}, and its value a line.
import { createInterface } from "node:readline";
import { Evaluator, Lexer, Parser, data } from "@actions/expressions";

for await (const line of createInterface({ input: process.stdin })) {
  const { expression, contexts, status } = JSON.parse(line);
  // The status functions are the runner's, so the library leaves them out.
  const functions = Object.entries(status).map(([name, value]) => ({
    name,
    minArgs: 0,
    maxArgs: 0,
    call: () => new data.BooleanData(value),
  }));
  let answer;
  try {
    const tree = new Parser(new Lexer(expression).lex().tokens, Object.keys(contexts), functions).parse();
    const context = JSON.parse(JSON.stringify(contexts), data.reviver);
    const known = new Map(functions.map((definition) => [definition.name, definition]));
    const value = new Evaluator(tree, context, known).evaluate();
    answer = { value: JSON.parse(JSON.stringify(value, data.replacer)), text: value.coerceString() };
  } catch (error) {
    answer = { error: String(error) };
  }
  console.log(JSON.stringify(answer));
}
