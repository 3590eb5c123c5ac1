/** The verdict of a CI round, on reports of vitest's shape: nothing that did not run may count as passed. */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"

const script = new URL("../.ci/verdict.mjs", import.meta.url).pathname

const file = (...statuses: ReadonlyArray<string>) => ({
  name: "a.test.ts",
  status: statuses.includes("failed") ? "failed" : "passed",
  assertionResults: statuses.map((status) => ({ status, fullName: `a test that ${status}` }))
})

describe("the verdict of CI", () => {
  let folder = ""
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "nimbusguard-verdict-"))))
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const report = (name: string, text: string, code = 0) => {
    writeFileSync(join(folder, `${name}.json`), text)
    writeFileSync(join(folder, `${name}.code`), `${code}\n`)
  }
  const verdict = (...reports: ReadonlyArray<string>) => after(0, ...reports)
  const after = (failedSteps: number, ...reports: ReadonlyArray<string>) => {
    const paths = reports.map((name) => join(folder, name))
    const { status, stdout } = spawnSync(process.execPath, [script, String(failedSteps), ...paths], {
      encoding: "utf8"
    })
    return `${stdout.trimEnd().split("\n").at(-1)}, code ${status}`
  }
  const unit = (...files: ReadonlyArray<object>) => JSON.stringify({ testResults: files })

  it("adds up what passed", () => {
    report("unit", unit(file("passed", "passed"), file("passed")))
    report("integration", unit(file("passed")))
    assert.strictEqual(verdict("unit", "integration"), "4 passed, 0 failed, code 0")
  })

  it.each(["failed", "skipped", "todo", "pending", "disabled"])("counts a %s test as failed", (status) => {
    report("unit", unit(file("passed", status)), status === "failed" ? 1 : 0)
    assert.strictEqual(verdict("unit"), "1 passed, 1 failed, code 1")
  })

  it("counts a file that did not load, a report that is not there or not whole, and a run that ended badly", () => {
    report(
      "unloaded",
      unit(file("passed"), { name: "b.test.ts", status: "failed", message: "no", assertionResults: [] }),
      1
    )
    assert.strictEqual(verdict("unloaded"), "1 passed, 1 failed, code 1")
    report("unit", unit(file("passed")))
    assert.strictEqual(verdict("unit", "missing"), "1 passed, 1 failed, code 1")
    report("torn", unit(file("passed")).slice(0, -5))
    assert.strictEqual(verdict("unit", "torn"), "1 passed, 1 failed, code 1")
    report("crashed", unit(file("passed")), 137)
    assert.strictEqual(verdict("unit", "crashed"), "2 passed, 1 failed, code 1")
  })

  it("counts a step without tests, and a round without any", () => {
    report("unit", unit(file("passed")))
    assert.strictEqual(after(1, "unit"), "1 passed, 1 failed, code 1")
    report("empty", unit())
    assert.strictEqual(verdict("empty"), "0 passed, 1 failed, code 1")
  })
})
