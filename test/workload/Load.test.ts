import { assert, describe, it } from "@effect/vitest"
import { loadOf } from "#workload/Load"
import { WEB, type Workload } from "#workload/Workload"

const of = (change: Partial<Workload> = {}, seed = 7) =>
  loadOf({ name: "test", workload: { ...WEB, ...change }, traffic: (second) => second / 10, seconds: 3_000 }, seed)

const sum = (numbers: Iterable<number>) => [...numbers].reduce((total, value) => total + value, 0)

describe("Load", () => {
  it("lets arrive what is expected, give or take chance", () => {
    const { arrivals, rates } = of()
    assert.closeTo(sum(arrivals) / sum(rates), 1, 0.01)
    assert.notDeepEqual(arrivals, rates)
  })

  it("is the same for every policy, and another for another seed", () => {
    assert.deepStrictEqual(of(), of())
    assert.notDeepEqual(of({}, 8).arrivals, of().arrivals)
  })

  it("loses a share of the scrapes, and all of a blackout", () => {
    const { lost } = of({ lost: { share: 0.3, blackouts: [{ fromSeconds: 1_000, seconds: 500 }] } })
    assert.strictEqual(sum(lost.slice(1_000, 1_500)), 500)
    assert.closeTo(sum(lost.slice(0, 1_000)) / 1_000, 0.3, 0.15)
    assert.strictEqual(sum(of().lost), 0)
  })

  it("has the arrivals that it has, whatever is lost or drifts", () => {
    const { arrivals, factors } = of({ drift: [{ fromSeconds: 10, factor: 0.5 }], lost: { share: 0.5, blackouts: [] } })
    assert.deepStrictEqual(arrivals, of().arrivals)
    assert.deepStrictEqual([factors[9], factors[10]], [1, 0.5])
  })
})
