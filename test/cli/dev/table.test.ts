/** The table at any width: it fits, it keeps what matters, and nothing in it drives the terminal. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { COLUMNS } from "#cli/dev/rows"
import { cut, paint, plainText, sparkline, table, widthOf } from "#cli/dev/table"

const row = (texts: ReadonlyArray<string>) => texts.map((text) => ({ text }))

const full = row([
  "scalep/consumer-workload-ai-scaling",
  "consumer-workload",
  "Active",
  "3/6",
  "▁▂▃▄▅▆▇█",
  "cpu 140% of 70%",
  "+2 12s",
  "cpu is at 140 % of what is requested, 70 % is meant: 3 pods become 6"
])

const linesAt = (width: number) => table(COLUMNS, [full, full], { width, colors: false })

describe("a table", () => {
  it.each([200, 160, 120, 100, 80, 70, 60, 50, 40])("fits a width of %i", (width) => {
    for (const line of linesAt(width)) assert.isAtMost(widthOf(line), width, line)
  })

  it("shows everything where there is room", () => {
    const [titles = "", line = ""] = linesAt(220)
    for (const { title } of COLUMNS) assert.include(titles, title)
    for (const { text } of full) assert.include(line, text)
  })

  it("keeps the policy, its replicas and its load on sixty columns", () => {
    const [titles = "", line = ""] = linesAt(60)
    for (const title of ["POLICY", "READY", "LOAD"]) assert.include(titles, title)
    assert.match(line, /^scalep\/consumer.*3\/6/u)
    assert.notInclude(titles, "TARGET")
  })

  it("cuts off the oldest part of a course, and not the newest", () => {
    const [titles = "", line = ""] = table(
      [{ title: "WAY", min: 4, max: 4, leaves: 0, newestLast: true }],
      [row(["12345678"])],
      {
        width: 40,
        colors: false
      }
    )
    assert.deepStrictEqual([titles, line], ["WAY", "5678"])
  })

  it("ends a text that is too long with an ellipsis, and nothing else", () => {
    assert.strictEqual(cut("replicas", 8), "replicas")
    assert.strictEqual(cut("replicas", 5), "repl…")
    assert.strictEqual(cut("replicas", 0), "")
  })

  it("paints only where colors are wanted", () => {
    assert.strictEqual(paint("Active", "good", false), "Active")
    assert.strictEqual(paint("Active", "good", true), "\u001b[32mActive\u001b[0m")
    assert.strictEqual(paint("Active", "plain", true), "Active")
  })

  it("takes control characters and line ends out of what servers say", () => {
    assert.strictEqual(plainText("up\u001b[2J\r\n\tdown\u0007"), "up[2J down")
  })

  const Texts = Schema.Array(Schema.String).check(Schema.isMinLength(8), Schema.isMaxLength(8))
  it.effect.prop(
    "fits any width from forty on, whatever stands in it",
    [Schema.Array(Texts), Schema.Int.check(Schema.isBetween({ minimum: 40, maximum: 240 }))],
    ([rows, width]) =>
      Effect.sync(() => {
        const lines = table(COLUMNS, rows.map(row), { width, colors: false })
        assert.strictEqual(lines.length, rows.length + 1)
        for (const line of lines) assert.isTrue(widthOf(line) <= width && !line.includes("\n"), line)
      })
  )
})

describe("a sparkline", () => {
  it("has one bar for each value, on a scale from zero", () => {
    assert.strictEqual(sparkline([0, 1, 5, 10], 10), "▁▁▄█")
    assert.strictEqual(sparkline([], 10), "")
  })

  it("makes room for a value above what was thought to be the most", () => {
    assert.strictEqual(sparkline([4, 8], 4), "▄█")
  })
})
