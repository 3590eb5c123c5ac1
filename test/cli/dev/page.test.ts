/** One look at the terminal, at any size, and the lines of an output that is no terminal. */
import { assert, describe, it } from "vitest"
import { elapsedText, type Page, pageLines, paceText, summaryLine } from "#cli/dev/page"
import type { Row } from "#cli/dev/rows"
import { widthOf } from "#cli/dev/table"
import { deployment, makeRecord, policyOf, refOf } from "#test/operator/records"

const NOW = 3_600_000

const rowOf = (name: string): Row => ({
  policy: refOf(name),
  target: deployment(name),
  phase: "Active",
  max: 10,
  record: makeRecord({ uid: name, id: "1", at: NOW, outcome: { _tag: "Unchanged" } }),
  decider: policyOf(name),
  trouble: undefined,
  history: [1, 2, 3],
  lastChange: undefined
})

const page = (rows: number, happenings: number): Page => ({
  scenario: "default",
  pace: { startedAt: 0, now: NOW, speed: 60, achieved: 60 },
  rows: Array.from({ length: rows }, (_, index) => rowOf(`policy-${index}`)),
  happenings: Array.from({ length: happenings }, (_, index) => ({
    at: NOW,
    text: `happening ${index}`,
    tone: "plain" as const
  })),
  footer: "dashboard http://localhost:8082, Ctrl-C stops"
})

describe("a page", () => {
  it.each([
    [7, 60, 24],
    [7, 200, 50],
    [30, 80, 24],
    [7, 60, 8],
    [1, 40, 6]
  ])("of %i policies fits %i columns and %i lines", (rows, columns, lines) => {
    const drawn = pageLines(page(rows, 50), { columns, lines, colors: false })
    assert.isBelow(drawn.length, Math.max(lines, 7))
    for (const line of drawn) assert.isBelow(widthOf(line), columns, line)
  })

  it("shows the newest happenings, and every policy where there is room", () => {
    const drawn = pageLines(page(7, 50), { columns: 120, lines: 40, colors: false }).join("\n")
    for (let index = 0; index < 7; index++) assert.include(drawn, `scalep/policy-${index}`)
    assert.include(drawn, "happening 49")
    assert.notInclude(drawn, "happening 30\n")
  })

  it("says that there are more policies than fit, and how to see them", () => {
    const drawn = pageLines(page(40, 5), { columns: 120, lines: 24, colors: false })
    assert.match(drawn[0] ?? "", /\d+ more than fit: kubectl get scalers -A/u)
  })

  it("says how fast time goes, and when the machine cannot keep up", () => {
    assert.match(paceText({ startedAt: 0, now: NOW, speed: 1, achieved: 1 }), /01:00:00 in$/u)
    assert.match(paceText({ startedAt: 0, now: NOW, speed: 60, achieved: 59.6 }), /at 60x$/u)
    assert.match(
      paceText({ startedAt: 0, now: NOW, speed: 600, achieved: 211 }),
      /at 600x \(this machine manages 211x\)$/u
    )
  })

  it("counts days once there are any", () => {
    assert.strictEqual(elapsedText(59_999), "00:00:59")
    assert.strictEqual(elapsedText(2 * 86_400_000 + 3_661_000), "2d 01:01:01")
  })
})

describe("a summary", () => {
  it("says in one line how everything stands", () => {
    const rows = [rowOf("web"), { ...rowOf("jobs"), pods: { ready: 1, wanted: 4 }, phase: "Error" as const }]
    assert.strictEqual(
      summaryLine(rows, 1),
      "summary: 1 Active, 1 Error; 1 change in the last minute; ready/wanted: web 2/2, jobs 1/4"
    )
  })
})
