import { assert, describe, it } from "@effect/vitest"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"
import { called } from "#test/cli/called"
import { nimbusguard } from "#test/cli/nimbusguard"

const folder = mkdtempSync(join(tmpdir(), "nimbusguard-simulate-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const fixture = (name: string) => `test/fixtures/crd/valid/${name}.yaml`

interface Answer {
  readonly results: ReadonlyArray<{ readonly name: string; readonly score: number }>
}

describe("nimbusguard simulate", () => {
  it("answers a script with JSON, the same for the same seed, and writes the report that it is asked for", () => {
    const report = join(folder, "report.html")
    const args = ["simulate", "--pattern", "ramp", "--hours", "0.5", "--rivals", "hpa,kpa"]
    const once = nimbusguard([...args, "--report", report])
    assert.strictEqual(once.code, 0)
    const { results } = JSON.parse(once.stdout) as Answer
    assert.deepStrictEqual(
      results.map(({ name }) => name),
      ["auto", "hpa", "kpa"]
    )
    assert.match(readFileSync(report, "utf8"), /<svg/u)
    assert.strictEqual(nimbusguard(args).stdout, once.stdout)
  })

  it("plays a trace under a policy, as a table for people", async () => {
    const trace = join(folder, "trace.csv")
    writeFileSync(trace, `t,rate\n${Array.from({ length: 40 }, (_, at) => `${at * 30},${100 + at * 5}`).join("\n")}\n`)
    const { code, stdout } = await called([
      "simulate",
      ...["--policy", fixture("seed-2-scalingpolicy"), "--trace", trace, "--output", "text", "--rivals", "none"]
    ])
    assert.strictEqual(code, 0)
    assert.match(stdout, /^0\.333 h of trace\.csv, seed 7$/mu)
    assert.match(stdout, /^NimbusGuard's default +[\d.]+ %/mu)
  })

  it("tells every pattern and its knobs", async () => {
    const { code, stdout } = await called(["simulate", "--pattern", "help"])
    assert.strictEqual(code, 0)
    assert.match(stdout, /^spike: sudden peaks that fade\n {4}noise=0\.04 .*\n {4}height=4 .*\n {4}every=2700 /mu)
  })

  it.each([
    [["--pattern", "steady", "--trace", "x"], /Give --pattern or --trace, not both/u],
    [["--trace", join(folder, "none.csv")], /none\.csv cannot be read/u]
  ])("refuses %s in a sentence", async (args, sentence) => {
    const { code, stderr } = await called(["simulate", ...args])
    assert.strictEqual(code, 1)
    assert.match(stderr, sentence)
  })
})
