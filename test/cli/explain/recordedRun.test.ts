/** One run, three ways: the operator's records, `decide` on what they saw, and each of them made again. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "vitest"
import { readDump } from "#cli/explain/Dump"
import { replayAll } from "#cli/explain/replayAll"
import { decide } from "#domain/decide"
import { adopt, carryOver } from "#domain/memory"
import { settle } from "#domain/settle"
import { bindEngine } from "#engines/index"
import type { DecisionRecord } from "#schemas/Decision"
import type { Memory } from "#schemas/Memory"
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

/** All that a line can say why a signal is missing is null, so only then the sentence is another. */
const isSeen = ({ observation }: DecisionRecord): boolean =>
  observation.readings.every(({ reading }) => reading._tag === "Measured")

const answerOf = (record: DecisionRecord) => {
  const { decision, observation } = record
  return {
    t: observation.at / 1000,
    desired: decision.desired,
    recommended: decision.recommended ?? null,
    limitedBy: decision.limitedBy,
    engine: decision.engine,
    ...(isSeen(record) ? { reason: decision.reason } : {})
  }
}

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
        .map((text, index) => {
          const { reason, ...answer } = JSON.parse(text) as Record<string, unknown>
          assert.isString(reason)
          const record = records[index]
          return record !== undefined && isSeen(record) ? { ...answer, reason } : answer
        })
      assert.deepStrictEqual(answers, records.map(answerOf))
      assert.isAbove(records.filter(isSeen).length, 140)
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

  for (const name of ["web", "jobs", "edited"]) {
    it(`of ${name} remembers in each record what came of the one before it`, () => {
      const { records } = run.of(name)
      let memory: Memory | undefined
      for (const record of records) {
        const { decision, observation, outcome } = record
        const policy = run.policies.find(
          ({ ref }) => ref.uid === record.policy.uid && ref.generation === record.policy.generation
        )
        if (policy === undefined) throw new Error(`nothing holds generation ${record.policy.generation}`)
        if (memory !== undefined)
          assert.deepStrictEqual(record.memory, adopt(carryOver(memory, policy).memory, observation))
        const engines = policy.engines.map((spec) => Result.getOrThrow(bindEngine(spec)))
        const decided = decide({ policy, engines, observation, memory: record.memory })
        memory = settle({ policy, memory: decided.memory, observation, decision, outcome })
      }
      assert.isAtLeast(records.length, 150)
    })
  }

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
