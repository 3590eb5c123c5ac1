import { assert, describe, it } from "vitest"
import { CLOSED, type Gate, judge, value, type Verdict } from "#domain/qlearningGate"

const MINIMUM = 20
const as = (cost: number, harm = 0) => ({ cost, harm })

const after = (
  count: number,
  chosen: { readonly cost: number; readonly harm: number },
  gate: Gate = CLOSED,
  broken = false
) => {
  const verdicts: Array<Verdict> = []
  let now = gate
  for (let tick = 0; tick < count; tick++) {
    const judged = judge(value(now, chosen, as(0.2, 0.02)), { broken, minimumTransitions: MINIMUM })
    now = judged.gate
    if (judged.verdict !== undefined) verdicts.push(judged.verdict)
  }
  return { gate: now, verdicts }
}

describe("the gate", () => {
  it("opens after enough transitions, for choices that are no worse", () => {
    assert.deepStrictEqual(after(MINIMUM - 1, as(0.1)).verdicts, [])
    assert.deepStrictEqual(after(MINIMUM, as(0.2)).verdicts, ["Promoted"])
  })

  it.each([
    { title: "cost more and do less harm", chosen: as(0.3) },
    { title: "are cheaper and do more harm", chosen: as(0.1, 0.05) }
  ])("stays shut for choices that $title", ({ chosen }) => {
    assert.deepStrictEqual(after(10_000, chosen).verdicts, [])
  })

  it("stays shut after one choice that would have done much harm, until that is long ago", () => {
    const once = value(CLOSED, as(0.1, 0.5), as(0.2))
    assert.deepStrictEqual(after(1000, as(0.1), once).verdicts, [])
    assert.deepStrictEqual(after(5000, as(0.1), once).verdicts, ["Promoted"])
  })

  it("stays shut while hardly any choice could be valued", () => {
    let gate: Gate = CLOSED
    for (let tick = 0; tick < 1000; tick++) gate = judge(gate, { broken: false, minimumTransitions: MINIMUM }).gate
    assert.isFalse(gate.steering)
  })

  it("shuts after three breaches in a row, and everything has to be proven again", () => {
    const { gate } = after(MINIMUM, as(0.1))
    const twice = after(2, as(0.1), gate, true)
    assert.deepStrictEqual(twice.verdicts, [])
    assert.strictEqual(after(1, as(0.1), twice.gate).gate.breaches, 0)
    const thrice = after(1, as(0.1), twice.gate, true)
    assert.deepStrictEqual(thrice.verdicts, ["Demoted"])
    assert.deepStrictEqual(thrice.gate, { ...CLOSED, demotions: 1 })
    assert.deepStrictEqual(after(MINIMUM - 1, as(0.1), thrice.gate).verdicts, [])
    assert.deepStrictEqual(after(MINIMUM, as(0.1), thrice.gate).verdicts, ["Promoted"])
  })

  it("shuts without a breach when its choices become worse, and opens again when they are not", () => {
    const { gate } = after(MINIMUM, as(0.2))
    const worse = after(1, as(0.9), gate)
    assert.deepStrictEqual([worse.verdicts, worse.gate.demotions], [["Withdrawn"], 0])
    assert.deepStrictEqual(after(200, as(0.1), worse.gate).verdicts, ["Promoted"])
  })

  it("counts no breach against what has no say", () => {
    assert.strictEqual(after(10, as(0.9), CLOSED, true).gate.breaches, 0)
  })
})
