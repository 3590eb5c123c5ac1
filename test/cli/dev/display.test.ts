/** What an output that is no terminal gets: the introduction, a line for each change, and a summary each minute. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { layerDisplay, makeBoard, type Output, type Shown } from "#cli/dev/display"
import { Ledger } from "#operator/Ledger"
import { view } from "#test/dashboard/pages"
import { makeRecord } from "#test/operator/records"

/** Of every target, whatever its last record says. */
const pods = { ready: 7, wanted: 9 }
const shown: Shown = {
  scenario: "default",
  speed: 1,
  realMillis: () => 0,
  header: ["hello"],
  footer: "bye",
  podsOf: () => pods
}

const displayed = (size: Output["size"], body: (written: () => string) => Effect.Effect<void, never, Ledger>) =>
  Effect.gen(function* () {
    let text = ""
    const output: Output = { write: (part) => void (text += part), size, colors: false }
    const board = makeBoard(output)
    const display = layerDisplay(board, output, shown).pipe(Layer.provideMerge(Ledger.layer))
    yield* Effect.provide(
      body(() => text),
      display
    )
    return text
  })

const scaled = (at: number) =>
  makeRecord({ uid: "web", id: String(at), at, outcome: { _tag: "Scaled", from: 2, to: 3, resourceVersion: "1" } })

describe("what is shown", () => {
  it.effect("is lines where there is no terminal, with no code that would drive one", () =>
    Effect.gen(function* () {
      const text = yield* displayed(undefined, () =>
        Effect.gen(function* () {
          const { record, show } = yield* Ledger
          yield* show(view("web"))
          yield* record(scaled(5_000))
          yield* TestClock.adjust("61 seconds")
          yield* TestClock.adjust("60 seconds")
        })
      )
      const lines = text.trimEnd().split("\n")
      assert.strictEqual(lines[0], "hello")
      assert.isTrue(lines.some((line) => line.endsWith("scalep/web: web 2 -> 3: load is 15 of 10 per pod")))
      const summaries = lines.filter((line) => line.includes("summary: 1 Active"))
      assert.strictEqual(summaries.length, 2)
      assert.include(summaries[0] ?? "", "1 change in the last minute")
      assert.include(summaries[1] ?? "", "0 changes in the last minute; ready/wanted: web 7/9")
      assert.notInclude(text, "\u001b")
    })
  )

  it.effect("gives the cursor back also when the process ends before its time", () =>
    Effect.gen(function* () {
      const before = process.listeners("exit")
      yield* displayed(
        () => ({ columns: 120, rows: 30 }),
        (written) =>
          Effect.gen(function* () {
            yield* TestClock.adjust("1 second")
            for (const listener of process.listeners("exit")) if (!before.includes(listener)) listener(130)
            assert.isTrue(written().endsWith("\u001b[?25h"))
          })
      )
      assert.deepStrictEqual(process.listeners("exit"), before)
    })
  )

  it.effect("is a page drawn in place on a terminal, which gets its cursor back", () =>
    Effect.gen(function* () {
      const text = yield* displayed(
        () => ({ columns: 120, rows: 30 }),
        (written) =>
          Effect.gen(function* () {
            const { record, show } = yield* Ledger
            yield* show(view("web"))
            yield* record(scaled(1_000))
            yield* TestClock.adjust("3 seconds")
            assert.include(written(), "scalep/web")
            assert.include(written(), "web 2 -> 3")
          })
      )
      assert.isTrue(text.startsWith("\u001b[?2026hhello\n"))
      assert.isTrue(text.endsWith("\u001b[?25h"))
    })
  )
})
