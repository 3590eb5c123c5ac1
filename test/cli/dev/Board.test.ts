/** What the board remembers of records and views, and which of it becomes a sentence. */
import { assert, describe, it } from "vitest"
import { Board, type Happening } from "#cli/dev/Board"
import type { PolicyView } from "#operator/Ledger"
import type { DecisionRecord, Outcome } from "#schemas/Decision"
import type { Condition } from "#schemas/Status"
import { view } from "#test/dashboard/pages"
import { makeRecord } from "#test/operator/records"

const recordOf = (at: number, outcome: Outcome): DecisionRecord =>
  makeRecord({ uid: "web", id: String(at), at, outcome })
const scaled = (from: number, to: number): Outcome => ({ _tag: "Scaled", from, to, resourceVersion: "1" })

const views = (...some: ReadonlyArray<PolicyView>) => new Map(some.map((each) => [each.ref.uid, each]))

const condition = (type: string, status: Condition["status"], message: string): Condition => ({
  type,
  status,
  reason: "Because",
  message,
  lastTransitionTime: "2026-01-01T00:00:00Z"
})

const makeBoard = () => {
  const told: Array<Happening> = []
  return { board: new Board((happening) => void told.push(happening)), told, texts: () => told.map(({ text }) => text) }
}

describe("the board", () => {
  it("remembers the course of the replicas and the last change of each target", () => {
    const { board } = makeBoard()
    board.decided(recordOf(1, scaled(2, 5)))
    board.look(2, views(view("web")))
    board.step()
    board.decided(recordOf(3, { _tag: "Unchanged" }))
    board.step()
    const [row] = board.rows
    assert.deepStrictEqual(row?.history, [2, 5, 2])
    assert.deepStrictEqual(row?.lastChange, { at: 1, by: 3 })
  })

  it("tells a change with its reason and limits, and is silent where nothing changed", () => {
    const { board, texts } = makeBoard()
    board.decided(recordOf(1, { _tag: "Unchanged" }))
    const record = recordOf(2, scaled(2, 5))
    board.decided({ ...record, decision: { ...record.decision, limitedBy: ["ScaleUpLimit"] } })
    assert.deepStrictEqual(texts(), ["scalep/web: web 2 -> 5: load is 15 of 10 per pod [ScaleUpLimit]"])
  })

  it("tells a refusal in the API server's own words", () => {
    const { board, told } = makeBoard()
    board.decided(recordOf(1, { _tag: "Refused", reason: "Forbidden", message: "you may not" }))
    assert.deepStrictEqual(told[0], { at: 1, text: "scalep/web: web stays at 2: you may not", tone: "bad" })
  })

  it("tells a phase when it changes and not while it lasts, and not the one that all begin with", () => {
    const { board, texts } = makeBoard()
    board.look(1, views(view("web", { phase: "Initializing" })))
    board.look(2, views(view("web")))
    board.look(3, views(view("web")))
    const ready = condition("Ready", "False", "there is no Deployment web")
    board.look(4, views(view("web", { phase: "Error", conditions: [ready] })))
    assert.deepStrictEqual(texts(), ["scalep/web is Active", "scalep/web is in Error: there is no Deployment web"])
  })

  it("tells when metrics are missing and when they are back", () => {
    const { board, texts } = makeBoard()
    board.look(1, views(view("web", { conditions: [condition("MetricsAvailable", "False", "cpu: HTTP 503")] })))
    board.look(2, views(view("web", { conditions: [condition("MetricsAvailable", "True", "all read")] })))
    assert.deepStrictEqual(texts(), [
      "scalep/web is Active",
      "scalep/web misses metrics: cpu: HTTP 503",
      "scalep/web has its metrics again"
    ])
  })

  it("has a row for a policy that has no target yet, and none for one that is gone", () => {
    const { board } = makeBoard()
    board.look(1, views(view("web", { targets: [] })))
    assert.deepStrictEqual(
      board.rows.map(({ target }) => target),
      [undefined]
    )
    board.look(2, views())
    assert.deepStrictEqual(board.rows, [])
  })

  it("keeps a bounded past", () => {
    const { board } = makeBoard()
    for (let at = 0; at < 500; at++) {
      board.decided(recordOf(at, scaled(1, 2)))
      board.look(at, views(view("web")))
      board.step()
    }
    assert.isAtMost(board.rows[0]?.history.length ?? 0, 20)
    assert.isAtMost(board.happenings.length, 100)
    assert.strictEqual(board.happenings.at(-1)?.at, 499)
  })
})
