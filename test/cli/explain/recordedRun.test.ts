/** One run, three ways: the operator's records, `decide` on what they saw, and each of them made again. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "vitest"
import { readDump } from "#cli/explain/Dump"
import { replayAll } from "#cli/explain/replayAll"
import type { DecisionRecord } from "#schemas/Decision"
import { Result } from "effect"
import { nimbusguard } from "#test/cli/nimbusguard"
import { JOBS, recordedRun, WEB } from "#test/cli/explain/recordedRun"

const folder = mkdtempSync(join(tmpdir(), "nimbusguard-recorded-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run = recordedRun()

const lineOf = ({ observation: { at, readings, state } }: DecisionRecord): string =>
  JSON.stringify({
    t: at / 1000,
    replicas: state.specReplicas,
    ready: state.readyReplicas,
    signals: Object.fromEntries(
      readings.map(({ reading, signal }) => [signal, reading._tag === "Measured" ? reading.value : null])
    )
  })

const answerOf = ({ decision, observation }: DecisionRecord) => ({
  t: observation.at / 1000,
  desired: decision.desired,
  recommended: decision.recommended ?? null,
  limitedBy: decision.limitedBy,
  engine: decision.engine
})

describe("a recorded run", () => {
  it("has something to compare", () => {
    const { records } = run.of("web")
    assert.isAtLeast(records.length, 150)
    assert.isAtLeast(run.of("jobs").records.length, 150)
    const limiters = new Set(run.records.flatMap(({ decision }) => decision.limitedBy))
    for (const limiter of ["ScaleUpLimit", "ScaleDownStabilized", "ScaleDownLimit", "SignalMissing"] as const) {
      assert.isTrue(limiters.has(limiter), limiter)
    }
    const actions = new Set(run.of("jobs").records.map(({ decision }) => decision.action))
    assert.deepStrictEqual([...actions].toSorted(), ["no_action", "scale_down", "scale_up"])
    assert.isTrue(records.some(({ memory }) => memory.foreignWrites.length > 0))
  })

  for (const object of [WEB, JOBS]) {
    const { name } = object.metadata
    it(`of ${object.kind} ${name} is decided by the command line as it was by the operator`, () => {
      const path = join(folder, `${name}.json`)
      writeFileSync(path, JSON.stringify(object))
      const { records } = run.of(name)
      const { code, stderr, stdout } = nimbusguard(["decide", "--policy", path], records.map(lineOf).join("\n"))
      assert.deepStrictEqual([code, stderr], [0, ""])
      const answers = stdout
        .trim()
        .split("\n")
        .map((text) => {
          const { reason, ...answer } = JSON.parse(text) as Record<string, unknown>
          assert.isString(reason)
          return answer
        })
      assert.deepStrictEqual(answers, records.map(answerOf))
    })
  }

  it("holds a policy for every generation that decided anything in it", () => {
    const generations = run.policies.filter(({ ref }) => ref.name === "edited").map(({ ref }) => ref.generation)
    const { records } = run.of("edited")
    assert.deepStrictEqual(
      generations.toReversed(),
      [...new Set(records.map(({ policy }) => policy.generation))],
      "in their order"
    )
    assert.strictEqual(generations.length, 4)
  })

  it("is decided again as it was, record by record, also after it has been written down", () => {
    const written = readDump("run", JSON.stringify({ policies: run.policies, records: run.records }))
    const { policies, records } = Result.getOrThrow(written)
    assert.deepStrictEqual(records, JSON.parse(JSON.stringify(run.records)))
    const verdicts = [...replayAll(policies, records)]
    assert.strictEqual(verdicts.length, run.records.length)
    assert.deepStrictEqual(
      verdicts.filter(([, verdict]) => verdict._tag !== "Same"),
      []
    )
  })
})
