import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { PATTERNS } from "#workload/patterns"
import { patternOf } from "#workload/patternText"

const refusal = (text: string) => {
  const read = patternOf(text, 1)
  return Result.isFailure(read) ? read.failure : ""
}

describe("patternText", () => {
  it("reads a name alone, and a name with knobs", () => {
    const plain = patternOf("spike", 1)
    const told = patternOf("spike:height=6, every=1800", 1)
    if (Result.isFailure(plain) || Result.isFailure(told)) throw new Error("refused")
    assert.strictEqual(told.success.name, "spike:height=6, every=1800")
    assert.strictEqual(plain.success.traffic(500), PATTERNS["spike"]?.traffic({}, 1)(500))
    assert.strictEqual(told.success.traffic(900), PATTERNS["spike"]?.traffic({ height: 6, every: 1800 }, 1)(900))
  })

  it("says what there is instead of what was asked for", () => {
    assert.match(refusal("spikes"), /^there is no pattern spikes: choose one of steady, noise, ramp, /u)
    assert.match(refusal("toString"), /^there is no pattern/u)
    assert.match(refusal("spike:size=3"), /^spike has no size: it has noise, height, every, rise, fade$/u)
    assert.match(refusal("spike:height="), /height is nothing; give a number of at least 0/u)
    assert.match(refusal("spike:height=tall"), /height is tall; give a number of at least 0/u)
    assert.match(refusal("spike:height=-1"), /height is -1/u)
    assert.match(refusal("spike:every=0"), /every is a time; give more than 0 seconds/u)
  })

  it("never answers with what is no number, whatever knob is 0", () => {
    for (const [name, { knobs }] of Object.entries(PATTERNS)) {
      for (const knob of Object.keys(knobs)) {
        const read = patternOf(`${name}:${knob}=0`, 1)
        if (Result.isFailure(read)) continue
        for (let second = 0; second < 20_000; second += 37) {
          assert.isTrue(Number.isFinite(read.success.traffic(second)), `${name}:${knob}=0 at ${second}`)
        }
      }
    }
  })
})
