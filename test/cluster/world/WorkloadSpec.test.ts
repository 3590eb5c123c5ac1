import { assert, describe, it } from "@effect/vitest"
import { fittedPattern, plantOf, trafficFor } from "#cluster/world/WorkloadSpec"
import { PATTERNS } from "#workload/patterns"
import { patternOf } from "#workload/patternText"
import * as Result from "effect/Result"

describe("WorkloadSpec", () => {
  it("takes a plant by name, by what differs, and as a queue's worker where there is a queue", () => {
    assert.strictEqual(plantOf({ name: "a", plant: "jvm" }).workers, 8)
    assert.deepInclude(plantOf({ name: "a", plant: { startupSeconds: 3 } }), { kind: "http", startupSeconds: 3 })
    const queue = { system: "pubsub", project: "p", subscription: "s" } as const
    assert.strictEqual(plantOf({ name: "a", queue }).kind, "queue")
    assert.throws(() => plantOf({ name: "a", plant: "none" }), /a: there is no plant none: choose one of web/u)
  })

  it("multiplies a pattern's level by the rate, and says which patterns there are", () => {
    assert.strictEqual(trafficFor({ pattern: "steady:noise=0", rate: 40 }, 1)(100), 40)
    assert.strictEqual(trafficFor(undefined, 1)(100), 0)
    assert.throws(() => trafficFor({ pattern: "none", rate: 1 }, 1), /choose one of steady, noise/u)
    const trace = { times: Float64Array.of(0, 1), rates: Float64Array.of(5, 7), bucketSeconds: 1, seconds: 2 }
    assert.deepStrictEqual([0, 1, 50].map(trafficFor({ trace, scale: 2 }, 1)), [10, 14, 14])
  })

  it.each(Object.keys(PATTERNS))("makes %s show within five minutes what it shows in its own time", (name) => {
    const traffic = (text: string) => Result.getOrThrow(patternOf(text, "seed")).traffic
    const highest = (text: string, seconds: number) => {
      const at = traffic(text)
      return Array.from({ length: seconds }, (_, second) => at(second)).reduce((a, b) => Math.max(a, b), 0)
    }
    const text = `${name}:noise=0`
    const fitted = highest(fittedPattern(text, 300), 300)
    const whole = highest(text, name === "week" ? 604_800 : 86_400)
    assert.isTrue(fitted > whole * 0.4, `${fitted} of ${whole}`)
  })

  it("leaves times alone that the text itself names", () => {
    assert.strictEqual(fittedPattern("spike:every=100", 300), "spike:rise=2.222,fade=26.667,every=100")
    assert.strictEqual(fittedPattern("steady", 300), "steady")
    assert.strictEqual(fittedPattern("spike", 5000), "spike")
  })
})
