import { assert, describe, it } from "@effect/vitest"
import { BOUNDS, COUNTED, Service } from "#cluster/world/Service"
import type { WorkloadSpec } from "#cluster/world/WorkloadSpec"

/** Four workers of 0.1 s: 40 requests a second and pod. */
const made = (change: Partial<WorkloadSpec> = {}, readyPods = 2) => {
  const service = new Service({ name: "web", traffic: { pattern: "steady:noise=0", rate: 40 }, ...change }, 1)
  service.readyPods = readyPods
  return service
}

const run = (service: Service, seconds: number, from = 0) => {
  let arrived = 0
  for (let second = from; second < from + seconds; second++) {
    service.step(second)
    arrived += service.arrived
  }
  return arrived
}

const QUEUE = { system: "pubsub", project: "p", subscription: "s" } as const

describe("Service", () => {
  it("counts per pod what all of them did, and nothing while none was there", () => {
    const service = made()
    const arrived = run(service, 600)
    assert.closeTo(arrived, 24_000, 600)
    assert.closeTo((service.perPod[COUNTED.arrived] ?? 0) * 2, arrived, 1e-6)
    assert.closeTo(service.perPod[COUNTED.busySeconds] ?? 0, 300, 15)
    const before = [...service.perPod]
    service.readyPods = 0
    run(service, 60, 600)
    assert.deepStrictEqual([...service.perPod], before)
  })

  it("has a histogram that never falls from bound to bound and ends at what was answered", () => {
    const service = made({}, 1)
    run(service, 600)
    const buckets = BOUNDS.map((_, index) => service.perPod[COUNTED.buckets + index] ?? 0)
    assert.deepStrictEqual(
      buckets,
      buckets.toSorted((a, b) => a - b)
    )
    assert.isBelow(buckets[3] ?? 0, 1)
    const served = service.perPod[COUNTED.served] ?? 0
    assert.isTrue((buckets.at(-1) ?? 0) <= served && (buckets.at(-1) ?? 0) > 0.5 * served)
  })

  it("keeps every message that was published: processed or waiting", () => {
    const service = made({ queue: QUEUE }, 3)
    run(service, 300)
    assert.closeTo(service.published, service.processed + (service.queue?.waiting ?? 0), 1e-6)
    assert.isAbove(service.waiting, 6000)
    assert.strictEqual(service.inService, 3)
  })

  it("adds a load for its time, on top of what comes, and ends it when told", () => {
    const service = made()
    service.add(0, { durationSeconds: 60, intensity: 80, pattern: "steady:noise=0" })
    const during = run(service, 60)
    // 80 percent of what five pods can do, which is 160 a second, and the usual 40.
    assert.closeTo(during, 200 * 60, 500)
    assert.closeTo(run(service, 60, 60), 40 * 60, 300)
    assert.isFalse(service.hasAddedLoad)
    service.add(120, { durationSeconds: 600, intensity: 100 })
    service.stop()
    assert.closeTo(run(service, 60, 120), 40 * 60, 300)
    assert.throws(() => service.add(0, { durationSeconds: 1, intensity: 1, pattern: "none" }), /no pattern none/u)
  })

  it("is the same for the same seed and name, and another for another", () => {
    const course = (spec: Partial<WorkloadSpec>, seed: number) => {
      const service = new Service({ name: "web", traffic: { pattern: "noise", rate: 40 }, ...spec }, seed)
      service.readyPods = 1
      return [run(service, 300), service.plan(), [...service.perPod]]
    }
    assert.deepStrictEqual(course({}, 1), course({}, 1))
    assert.notDeepEqual(course({}, 1), course({}, 2))
    assert.notDeepEqual(course({}, 1), course({ namespace: "other" }, 1))
  })

  it("gets the same traffic whatever becomes of its pods", () => {
    const arrivals = (starts: number, readyPods: number) => {
      const service = made({ traffic: { pattern: "noise", rate: 40 }, trouble: { crashEverySeconds: 60 } }, readyPods)
      return Array.from({ length: 100 }, (_, second) => {
        for (let start = 0; start < starts; start++) service.plan()
        service.step(second)
        return service.arrived
      })
    }
    assert.deepStrictEqual(arrivals(0, 1), arrivals(3, 7))
  })

  it("lets pods crash, finish and never become ready, as the workload says", () => {
    const fates = (trouble: WorkloadSpec["trouble"]) => {
      const service = made(trouble === undefined ? {} : { trouble })
      return Array.from({ length: 400 }, () => service.plan())
    }
    const crashes = fates({ crashEverySeconds: 100, reason: "OOMKilled" }).map(({ fate }) => fate)
    const after = crashes.map((fate) =>
      fate._tag === "Exits" && fate.exitCode === 137 ? fate.afterMillis : Number.NaN
    )
    assert.closeTo(after.reduce((a, b) => a + b, 0) / after.length, 100_000, 20_000)
    assert.deepStrictEqual(fates({ finishAfterSeconds: 9 })[0]?.fate, { _tag: "Exits", afterMillis: 9000, exitCode: 0 })
    const unready = fates({ neverReadyShare: 0.25 }).filter(({ fate }) => fate._tag === "NeverReady").length
    assert.isTrue(unready > 60 && unready < 140, String(unready))
    const startups = fates(undefined).map(({ startupMillis }) => startupMillis / 1000)
    assert.closeTo(startups.reduce((a, b) => a + b, 0) / startups.length, 30, 2)
  })
})
