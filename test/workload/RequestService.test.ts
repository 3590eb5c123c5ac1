import { assert, describe, it } from "@effect/vitest"
import { RequestService } from "#workload/RequestService"
import { WEB } from "#workload/Workload"

/** Four workers of 0.1 s: 40 requests a second and pod. */
const service = (change: Partial<typeof WEB> = {}) => new RequestService({ ...WEB, ...change })

describe("RequestService", () => {
  it("serves what fits, lets the rest wait, and drops what would wait beyond the time-out", () => {
    const web = service({ timeoutSeconds: 2 })
    web.step(100, 100, 2)
    assert.deepStrictEqual([web.served, web.waiting, web.dropped, web.utilization], [80, 20, 0, 1])
    web.step(300, 300, 2)
    assert.deepStrictEqual([web.served, web.waiting, web.dropped], [80, 160, 80])
    web.step(0, 0, 10)
    assert.deepStrictEqual([web.served, web.waiting, web.utilization], [160, 0, 0.4])
  })

  it("loses no request: what came is served, dropped or waits", () => {
    const web = service()
    let [came, gone] = [0, 0]
    for (let second = 0; second < 500; second++) {
      const arrivals = (second * 7919) % 500
      web.step(arrivals, arrivals, second % 13)
      came += arrivals
      gone += web.served + web.dropped
    }
    assert.closeTo(came, gone + web.waiting, 1e-6)
  })

  it("answers worse the busier it is, and hardly ever badly while it idles", () => {
    const bad = [10, 20, 30, 36, 39].map((rate) => {
      const web = service()
      web.step(rate * 10, rate * 10, 10)
      return web.bad / (rate * 10)
    })
    assert.deepStrictEqual(
      bad,
      bad.toSorted((a, b) => a - b)
    )
    assert.isBelow(bad[0] ?? 1, 1e-4)
    assert.isAbove(bad[4] ?? 0, 0.3)
  })

  it("has its 95th percentile just at the service time while nobody waits, and at the time-out without a pod", () => {
    const web = service()
    web.step(1, 1, 10)
    assert.strictEqual(web.p95Seconds, 0.1)
    web.step(5, 5, 0)
    assert.deepStrictEqual([web.p95Seconds, web.bad, web.utilization], [10, 5, 0])
  })

  it("spreads its answers as its counts of good and bad ones and its 95th percentile say", () => {
    const web = service()
    web.step(370, 370, 10)
    assert.closeTo(web.slowerThan(0.5) * 370, web.bad, 1e-9)
    assert.closeTo(web.slowerThan(web.p95Seconds), 0.05, 1e-9)
    assert.strictEqual(web.slowerThan(0.09), 1)
    // The mean is the area under the share that takes longer.
    let area = 0
    for (let seconds = 0.0005; seconds < 20; seconds += 0.001) area += web.slowerThan(seconds) * 0.001
    assert.closeTo(web.meanSeconds, area, 1e-3)
    web.step(5, 5, 0)
    assert.strictEqual(web.slowerThan(9.9), 1)
  })

  it("waits less where the balancer looks at several pods", () => {
    const bad = [1, 4].map((pool) => {
      const web = service({ pool, workers: 1, serviceSeconds: 0.1 })
      web.step(75, 75, 10)
      return web.bad
    })
    assert.isBelow(bad[1] ?? 1, (bad[0] ?? 0) / 10)
  })

  it("serves less by the factor that its pods drifted to", () => {
    const web = service()
    web.step(100, 100, 2, 0.5)
    assert.deepStrictEqual([web.served, web.waiting], [40, 60])
  })

  it("has as many in the system as Little's law says", () => {
    const web = service()
    for (let second = 0; second < 50; second++) web.step(200, 200, 10)
    // Half of the workers are busy, and hardly anybody waits.
    assert.closeTo(web.concurrency, 200 * 0.1, 4)
  })
})
