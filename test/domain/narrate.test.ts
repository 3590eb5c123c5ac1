import { assert, describe, it } from "vitest"
import { narrate, silence } from "#domain/narrate"
import type { Step } from "#schemas/Decision"

const step = (before: number, after: number): Step => ({ limiter: "ScaleUpLimit", before, after, reason: "why" })

describe("narrate", () => {
  it.each([
    { title: "a rise that is cut", step: step(13, 8), words: "limited to 8" },
    { title: "a rise that is not allowed", step: step(13, 5), words: "held at 5" },
    { title: "a fall that is cut", step: step(1, 3), words: "limited to 3" },
    { title: "a fall beyond what was asked", step: step(5, 2), words: "lowered to 2" },
    { title: "a fall below the current replicas although more was asked", step: step(13, 2), words: "lowered to 2" },
    { title: "a rise that nobody asked for", step: step(5, 9), words: "raised to 9" }
  ])("$title is $words", ({ step: one, words }) => {
    assert.strictEqual(narrate("opening", [one], 5), `opening; ${words} by ScaleUpLimit (why)`)
  })

  it("says nothing about limiters that did nothing", () => {
    assert.strictEqual(narrate("opening", [], 5), "opening")
  })

  it("ends a sentence where it goes on, once", () => {
    const opening = "rps is missing: no answer. Check the address."
    assert.strictEqual(
      narrate(opening, [step(13, 8)], 5),
      "rps is missing: no answer. Check the address; limited to 8 by ScaleUpLimit (why)"
    )
    assert.strictEqual(narrate(opening, [], 5), opening)
  })
})

describe("silence", () => {
  const base = { engine: "target", raiseOnly: false }
  it("tells what could not be read, else what only may raise, else that nothing is asked", () => {
    assert.strictEqual(silence([{ ...base, signal: "rps", reason: "rps is missing" }], 5), "rps is missing")
    assert.strictEqual(silence([{ ...base, replicas: 3, raiseOnly: true, reason: "fine" }], 5), "fine")
    const two = ["Wait.", "Check."].map((reason) => ({ ...base, reason }))
    assert.strictEqual(silence(two, 5), "Wait; Check.")
    assert.strictEqual(silence([], 5), "no engine asks for anything yet, so 5 stay")
  })
})
