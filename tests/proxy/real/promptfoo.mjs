// An evaluation with three samples of each prompt: node promptfoo.mjs COMMAND. It prints the answers and the score.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
const assertion = { type: "contains", value: "1" };
const tests = [1, 2].map((number) => ({ vars: { number }, assert: [assertion] }));
writeFileSync("evaluation.json", JSON.stringify({ prompts: ["Draw {{number}}"], providers: ["openai:chat:gpt-4o-mini"], tests }));
const quiet = Object.fromEntries(["TELEMETRY", "UPDATE", "REMOTE_GENERATION"].map((name) => [`PROMPTFOO_DISABLE_${name}`, "1"]));
const options = ["-c", "evaluation.json", "--repeat", "3", "--no-cache", "--no-table", "--no-progress-bar", "-o", "results.json"];
const env = { ...process.env, ...quiet, PROMPTFOO_FAILED_TEST_EXIT_CODE: "0" };
execFileSync(process.argv[2], ["eval", ...options], { env, stdio: ["ignore", "ignore", "inherit"] });
const { results, stats } = JSON.parse(readFileSync("results.json")).results;
console.log(results.map((result) => `${result.vars.number}: ${result.response.output}`).sort().join("\n"));
console.log(stats.successes, "passed,", stats.failures, "failed");
