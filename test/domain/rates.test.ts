import { assert, describe, it } from "vitest"
import { limitRate, limitStep, remember, type Rescales } from "#domain/rates"
import type { Rescale } from "#schemas/Memory"
import type { Rates, ScalingRules } from "#schemas/Policy"
import { FREE, hpaRates, limitsOf, memoryOf, policyOf, situationOf } from "#test/domain/policies"

interface Given {
  readonly rates: Rates
  readonly current?: number
  readonly ups?: ReadonlyArray<Rescale>
  readonly downs?: ReadonlyArray<Rescale>
  readonly max?: number
  readonly min?: number
}

const AT = 10_000_000
const step = (value: number, { current = 10, downs = [], max = 1000, min = 1, rates, ups = [] }: Given) => {
  const policy = policyOf({ bounds: { min, max }, limits: limitsOf({ rates }) })
  return limitRate(value, situationOf({ policy, memory: memoryOf(policy, { ups, downs }), at: AT, current }))
}
const after = (value: number, given: Given) => step(value, given)?.after ?? value
const up = (over: Partial<ScalingRules>) => hpaRates(over)
const down = (over: Partial<ScalingRules>) => hpaRates({}, over)
const pods = (value: number, periodSeconds = 60) => ({ type: "Pods", value, periodSeconds }) as const
const percent = (value: number, periodSeconds = 60) => ({ type: "Percent", value, periodSeconds }) as const
const ago = (millis: number, change: number): Rescale => ({ at: AT - millis, change })

describe("limitRate", () => {
  it.each([
    { title: "pods up", got: after(99, { rates: up({ policies: [pods(3)] }) }), want: 13 },
    { title: "percent up, rounded up", got: after(99, { rates: up({ policies: [percent(25)] }) }), want: 13 },
    {
      title: "percent up, in the HPA's doubles",
      got: after(999, { rates: up({ policies: [percent(10)] }), current: 110 }),
      want: 122
    },
    { title: "pods down", got: after(1, { rates: down({ policies: [pods(3)] }) }), want: 7 },
    { title: "percent down, rounded down", got: after(1, { rates: down({ policies: [percent(25)] }) }), want: 7 },
    { title: "the largest change", got: after(99, { rates: up({ policies: [pods(3), percent(50)] }) }), want: 15 },
    {
      title: "the smallest change",
      got: after(99, { rates: up({ selectPolicy: "Min", policies: [pods(3), percent(50)] }) }),
      want: 13
    },
    { title: "the largest change down", got: after(1, { rates: down({ policies: [pods(3), percent(50)] }) }), want: 5 },
    {
      title: "the smallest change down",
      got: after(1, { rates: down({ selectPolicy: "Min", policies: [pods(3), percent(50)] }) }),
      want: 7
    },
    { title: "no change where disabled", got: after(99, { rates: up({ selectPolicy: "Disabled" }) }), want: 10 },
    {
      title: "what was added in the period counts",
      got: after(99, { rates: up({ policies: [pods(3)] }), ups: [ago(59_999, 2)] }),
      want: 11
    },
    {
      title: "and exactly a period later no longer",
      got: after(99, { rates: up({ policies: [pods(3)] }), ups: [ago(60_000, 2)] }),
      want: 13
    },
    {
      title: "what was removed in the period may come back",
      got: after(99, { rates: up({ policies: [pods(3)] }), downs: [ago(1, -4)] }),
      want: 17
    },
    {
      title: "more than allowed was added already: nothing changes",
      got: after(99, { rates: up({ policies: [pods(3)] }), ups: [ago(1, 8)] }),
      want: 10
    },
    {
      title: "down counts both ways, too",
      got: after(1, { rates: down({ policies: [pods(3)] }), downs: [ago(1, -2)] }),
      want: 9
    },
    {
      title: "without behavior at most double",
      got: after(99, { rates: { _tag: "Absent", downSeconds: 300 } }),
      want: 20
    },
    { title: "or four", got: after(99, { rates: { _tag: "Absent", downSeconds: 300 }, current: 1 }), want: 4 },
    { title: "and down as far as it likes", got: after(1, { rates: { _tag: "Absent", downSeconds: 300 } }), want: 1 },
    { title: "no rates, no limit", got: after(99, { rates: FREE }), want: 99 },
    {
      title: "percent of nothing is at least one",
      got: after(99, { rates: up({ policies: [percent(100)] }), current: 0 }),
      want: 1
    },
    { title: "staying is never limited", got: after(10, { rates: up({ selectPolicy: "Disabled" }) }), want: 10 }
  ])("$title", ({ got, want }) => {
    assert.strictEqual(got, want)
  })

  it("leaves it to the bounds where those allow less, so that one limit is named", () => {
    const rates = up({ policies: [pods(3)] })
    assert.isUndefined(step(99, { rates, max: 13 }))
    assert.strictEqual(step(99, { rates, max: 14 })?.limiter, "ScaleUpLimit")
    const falling = down({ policies: [pods(3)] })
    assert.isUndefined(step(1, { rates: falling, min: 7 }))
    assert.strictEqual(step(1, { rates: falling, min: 6 })?.limiter, "ScaleDownLimit")
  })

  it("names the policy that counts", () => {
    assert.strictEqual(step(99, { rates: hpaRates() })?.reason, "100 % per 15 s")
    assert.strictEqual(step(99, { rates: hpaRates(), current: 2 })?.reason, "4 pods per 15 s")
    assert.strictEqual(step(99, { rates: up({ policies: [pods(1)] }) })?.reason, "1 pod per 60 s")
  })
})

describe("limitStep", () => {
  const policy = policyOf({ limits: limitsOf({ step: { up: 3, down: 2 } }) })
  it.each([
    [99, 13],
    [13, 13],
    [1, 8],
    [8, 8]
  ])("%d becomes %d", (value, want) => {
    assert.strictEqual(limitStep(value, situationOf({ policy }))?.after ?? value, want)
    assert.isUndefined(limitStep(value, situationOf()))
  })
})

describe("remember", () => {
  const none: Rescales = { ups: [], downs: [] }
  const rates = hpaRates({ policies: [pods(4, 15), pods(9, 60)] }, { policies: [percent(100, 300)] })

  it("keeps each direction apart", () => {
    const two = remember(remember(none, 3, 0, rates), -2, 1000, rates)
    assert.deepStrictEqual(two, { ups: [{ at: 0, change: 3 }], downs: [{ at: 1000, change: -2 }] })
  })

  it("keeps nothing where nothing looks at it", () => {
    assert.deepStrictEqual(remember(none, 3, 0, FREE), none)
    assert.deepStrictEqual(remember(none, 3, 0, { _tag: "Absent", downSeconds: 300 }), none)
    assert.deepStrictEqual(remember(none, 0, 0, rates), none)
  })

  it("puts a rescale into the slot of one that its direction no longer needs, to the millisecond", () => {
    const first = remember(none, 3, 0, rates)
    assert.strictEqual(remember(first, 1, 60_000, rates).ups.length, 2)
    assert.deepStrictEqual(remember(first, 1, 60_001, rates).ups, [{ at: 60_001, change: 1 }])
  })

  it("uses one slot for one rescale: the last that is outdated, and the others go on counting", () => {
    const three = [1000, 2000, 3000].reduce((kept, at) => remember(kept, 1, at, rates), none)
    const { ups } = remember(three, 7, 100_000, rates)
    assert.deepStrictEqual(ups, [
      { at: 1000, change: 1, outdated: true },
      { at: 2000, change: 1, outdated: true },
      { at: 100_000, change: 7 }
    ])
  })
})
