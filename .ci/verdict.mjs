// Adds up the runs of .ci/run: `node .ci/verdict.mjs <failed steps without tests> <report>...`, where vitest's report
// is <report>.json and the run's exit code <report>.code. Whatever cannot be counted as passed has failed: a skipped
// test, a file that did not load, a run that left no report.
import { readFileSync } from "node:fs"

const read = (path, otherwise, decode = (text) => text) => {
  try {
    return decode(readFileSync(path, "utf8"))
  } catch {
    return otherwise
  }
}

const tally = (report) => {
  const problems = []
  let passed = 0
  const files = read(`${report}.json`, { testResults: [] }, JSON.parse).testResults
  for (const { assertionResults, message, name, status } of files) {
    const bad = assertionResults.filter((test) => test.status !== "passed")
    passed += assertionResults.length - bad.length
    problems.push(...bad.map((test) => `${test.status}: ${name}: ${test.fullName}`))
    if (assertionResults.length === 0 || (status === "failed" && bad.length === 0)) {
      problems.push(`did not run: ${name}: ${(message ?? "").split("\n")[0]}`)
    }
  }
  if (files.length === 0) problems.push(`no tests in ${report}.json`)
  const code = read(`${report}.code`, "").trim()
  if (code !== "0" && problems.length === 0) problems.push(`the run of ${report} ended with code ${code || "unknown"}`)
  return { passed, problems }
}

const [steps, ...reports] = process.argv.slice(2)
const tallies = reports.map(tally)
const problems = tallies.flatMap((one) => one.problems)
const passed = tallies.reduce((sum, one) => sum + one.passed, 0)
const failed = Number(steps) + problems.length
for (const problem of problems) console.log(problem)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
