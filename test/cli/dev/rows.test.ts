/** What a row says of a policy: readiness, load, the last change and why. */
import { assert, describe, it } from "vitest"
import { amount, cellsOf, COLUMNS, policyName, type Row } from "#cli/dev/rows"
import { KINDS } from "#schemas/crd/index"
import { measured, missing } from "#schemas/Reading"
import { deployment, makeRecord, policyOf, refOf, state } from "#test/operator/records"

const NOW = 100_000

const record = makeRecord({ uid: "web", id: "1", at: NOW, outcome: { _tag: "Unchanged" } })

const rowOf = (over: Partial<Row> = {}): Row => ({
  policy: refOf("web"),
  target: deployment("web"),
  phase: "Active",
  max: 10,
  record,
  decider: policyOf("web"),
  trouble: undefined,
  history: [1, 2],
  lastChange: undefined,
  ...over
})

const textsOf = (row: Row) => {
  const cells = cellsOf(row, NOW)
  return Object.fromEntries(COLUMNS.map(({ title }, index) => [title, cells[index]?.text]))
}

const seeing = (readings: (typeof record)["observation"]["readings"]) => ({
  ...record,
  observation: { ...record.observation, readings }
})

describe("a row", () => {
  it("calls a policy of every kind as kubectl takes it", () => {
    for (const { kind, shortNames } of KINDS)
      assert.strictEqual(policyName({ kind, name: "web" }), `${shortNames[0]}/web`)
  })

  it("has a cell for each column", () => {
    assert.strictEqual(cellsOf(rowOf(), NOW).length, COLUMNS.length)
  })

  it("shows ready pods of those that are asked for, those of a write of this very tick too", () => {
    assert.strictEqual(textsOf(rowOf()).READY, "2/2")
    const scaled = { ...record, outcome: { _tag: "Scaled", from: 2, to: 5, resourceVersion: "2" } as const }
    assert.strictEqual(textsOf(rowOf({ record: scaled })).READY, "2/5")
    const starting = { ...record, observation: { ...record.observation, state: state(5, { readyReplicas: 3 }) } }
    assert.strictEqual(textsOf(rowOf({ record: starting })).READY, "3/5")
    assert.strictEqual(textsOf(rowOf({ record: starting, pods: { ready: 4, wanted: 6 } })).READY, "4/6")
  })

  it("shows the load against its target, in the target's own terms", () => {
    const readings = [{ signal: "load", reading: measured(1234, NOW) }]
    assert.strictEqual(textsOf(rowOf({ record: seeing(readings) })).LOAD, "load 1.2k, 10/pod")
  })

  it("names the signal that is missing, whatever the others say", () => {
    const readings = [
      { signal: "load", reading: measured(30, NOW) },
      { signal: "queue", reading: missing("Timeout", "no answer") }
    ]
    assert.strictEqual(textsOf(rowOf({ record: seeing(readings) })).LOAD, "queue missing")
  })

  it("tells the last change with its age, and the reason of the latest decision", () => {
    const { LAST, WHY } = textsOf(rowOf({ lastChange: { at: NOW - 42_000, by: -2 } }))
    assert.strictEqual(LAST, "-2 42s")
    assert.strictEqual(WHY, record.decision.reason)
    assert.strictEqual(textsOf(rowOf({ lastChange: { at: NOW - 3 * 3_600_000, by: 1 } })).LAST, "+1 3h")
  })

  it("says why a policy is in Error instead of why it decided something once", () => {
    assert.strictEqual(
      textsOf(rowOf({ phase: "Error", trouble: "there is no Deployment web" })).WHY,
      "there is no Deployment web"
    )
  })

  it("says little where nothing was decided yet", () => {
    const { LOAD, READY, WHY } = textsOf(rowOf({ record: undefined, phase: "Initializing" }))
    assert.deepStrictEqual([LOAD, READY, WHY], ["", "-", ""])
  })

  it.each([
    [0, "0"],
    [0.25, "0.25"],
    [1.234, "1.2"],
    [42.4, "42"],
    [1234, "1.2k"],
    [43_210, "43k"],
    [2_500_000, "2.5M"]
  ])("shortens %d to %s", (value, text) => {
    assert.strictEqual(amount(value), text)
  })
})
