import { assert, describe, it } from "@effect/vitest"
import { loadOf } from "#workload/Load"
import { Plant } from "#workload/Plant"
import { WEB, type Workload } from "#workload/Workload"

const plantOf = (change: Partial<Workload> = {}, rate = 280, seconds = 600, seed = 7) =>
  new Plant(loadOf({ name: "test", workload: { ...WEB, ...change }, traffic: () => rate, seconds }, seed))

describe("Plant", () => {
  it("begins with what the first minute needs, within its bounds", () => {
    assert.strictEqual(plantOf().desired, 10)
    assert.strictEqual(plantOf({ maxReplicas: 4 }).desired, 4)
    assert.strictEqual(plantOf({ minReplicas: 12 }).desired, 12)
    assert.strictEqual(plantOf({ minReplicas: 0 }, 0).desired, 1)
  })

  it("pays for pods from the moment that they are ordered, and gets work from them when they are ready", () => {
    const plant = plantOf({}, 600)
    plant.advance(60)
    plant.scale(30)
    assert.deepStrictEqual([plant.desired, plant.ready + plant.starting, plant.changes], [30, 30, 1])
    plant.scale(40)
    plant.advance(1)
    assert.strictEqual(plant.course.pods[60], 40)
    assert.isBelow(plant.ready, 40)
    plant.advance(120)
    assert.strictEqual(plant.ready, 40)
    plant.scale(99)
    assert.strictEqual(plant.desired, 60)
  })

  it("shows means over the window that ends at the newest scrape", () => {
    const plant = plantOf({}, 280)
    plant.advance(47)
    const scraped = plant.scraped(15, 30)
    assert.strictEqual(scraped?.at, 45)
    const arrived = plant.load.arrivals.slice(15, 45).reduce((sum, count) => sum + count, 0)
    assert.closeTo(scraped?.rps ?? 0, arrived / 30, 1e-9)
    assert.strictEqual(scraped?.readyAvg, 10)
    assert.closeTo(scraped?.utilization ?? 0, arrived / 30 / 400, 0.08)
  })

  it("shows no use of the CPU beyond what is requested, and how much waits", () => {
    const plant = plantOf({ maxReplicas: 2 }, 280)
    plant.advance(60)
    const scraped = plant.scraped(5, 15)
    assert.isAtMost(scraped?.utilization ?? 2, 1)
    assert.isAbove(scraped?.waiting ?? 0, 100)
    assert.isAbove(scraped?.badFraction ?? 0, 0.9)
    assert.isAbove(scraped?.errorRate ?? 0, 0.2)
  })

  it("shows nothing of a scrape that was lost, and nothing before the first", () => {
    const lost = { share: 0, blackouts: [{ fromSeconds: 100, seconds: 50 }] }
    const plant = plantOf({ lost })
    assert.strictEqual(plant.scraped(5, 15), undefined)
    plant.advance(100)
    assert.strictEqual(plant.scraped(5, 15)?.at, 100)
    plant.advance(20)
    assert.strictEqual(plant.scraped(5, 15), undefined)
    plant.advance(35)
    assert.strictEqual(plant.scraped(5, 15)?.at, 155)
  })

  it("marks the messages that were late at the second in which they came", () => {
    const plant = plantOf(
      { kind: "queue", workers: 1, serviceSeconds: 1, objectiveSeconds: 20, maxReplicas: 5 },
      10,
      300
    )
    plant.advance(300)
    const { bad } = plant.course
    assert.strictEqual(bad[10], 0)
    assert.strictEqual(bad[150], plant.load.arrivals[150])
  })

  it("shows how old the oldest message is, also while none comes", () => {
    const workload: Workload = { ...WEB, kind: "queue", workers: 1, serviceSeconds: 1, maxReplicas: 1 }
    const traffic = (second: number) => (second < 10 ? 10 : 0)
    const plant = new Plant(loadOf({ name: "queue", workload, traffic, seconds: 60 }, 7))
    plant.advance(40)
    assert.isAtLeast(plant.scraped(5, 5)?.p95Seconds ?? 0, 30)
  })

  it("goes the same way for the same seed, and another for another", () => {
    const courseOf = (seed: number) => {
      const plant = plantOf({}, 280, 600, seed)
      for (let tick = 0; tick < 40; tick++) {
        plant.advance(15)
        plant.scale(8 + (tick % 5))
      }
      return plant.course
    }
    assert.deepStrictEqual(courseOf(1), courseOf(1))
    assert.notDeepEqual(courseOf(1).bad, courseOf(2).bad)
  })
})
