/** Shows the board: drawn in place where there is a terminal, else as lines. Reads the operator's ledger, and how many pods there are. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Board } from "#cli/dev/Board"
import { happeningText, pageLines, summaryLine } from "#cli/dev/page"
import type { Pods, Row } from "#cli/dev/rows"
import { Screen, type Size } from "#cli/dev/Screen"
import { Ledger } from "#operator/Ledger"
import type { Target } from "#schemas/Policy"

export interface Output {
  readonly write: (text: string) => void
  /** Undefined: no terminal. */
  readonly size: (() => Size) | undefined
  readonly colors: boolean
}

export interface Shown {
  readonly scenario: string
  readonly speed: number
  /** Never set back, and the machine's. */
  readonly realMillis: () => number
  readonly header: ReadonlyArray<string>
  readonly footer: string
  /** How many pods a target has now; undefined: nobody knows. */
  readonly podsOf: (target: Target) => Pods | undefined
}

const FRAMES_PER_SECOND = 4
/** A step of the sparklines: twenty of them are the last minutes. */
const STEP_MILLIS = 6_000
const SUMMARY_MILLIS = 60_000
/** Over so long the pace is measured. */
const PACE_MILLIS = 5_000

/** Happenings are printed as they come where there is no terminal; on one they are part of the page. */
export const makeBoard = ({ size, write }: Output): Board =>
  new Board((happening) => (size === undefined ? write(`${happeningText(happening)}\n`) : undefined))

/** How fast the world really goes, by its own clock and the machine's. */
const makePace = (speed: number, startedAt: number, realMillis: () => number) => {
  let [real, virtual, achieved] = [realMillis(), startedAt, speed]
  return (now: number) => {
    const passed = realMillis() - real
    if (passed >= PACE_MILLIS) {
      achieved = (now - virtual) / passed
      real += passed
      virtual = now
    }
    return { startedAt, now, speed, achieved }
  }
}

const follow = Effect.fnUntraced(function* (board: Board, speed: number) {
  const ledger = yield* Ledger
  yield* Effect.forkScoped(
    Stream.runForEach(ledger.changes, (record) => Effect.sync(() => board.decided(record))),
    { startImmediately: true }
  )
  const look = Effect.flatMap(Effect.all([ledger.policies, Clock.currentTimeMillis]), ([views, now]) =>
    Effect.sync(() => board.look(now, views))
  )
  // Phases are looked at often, the courses are steps of the machine's seconds: at any speed they move as fast.
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(look, Effect.sleep(1000))))
  const step = Effect.sync(() => board.step())
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(STEP_MILLIS * speed), step)))
})

const rowsNow = (board: Board, { podsOf }: Shown): ReadonlyArray<Row> =>
  board.rows.map((row) => ({ ...row, pods: row.target === undefined ? undefined : podsOf(row.target) }))

const drawn = Effect.fnUntraced(function* (board: Board, output: Output, size: () => Size, shown: Shown) {
  const screen = new Screen(output.write, size, shown.header)
  const pace = makePace(shown.speed, yield* Clock.currentTimeMillis, shown.realMillis)
  const draw = Effect.map(Clock.currentTimeMillis, (now) => {
    const { columns, rows } = screen.size
    const page = { ...shown, pace: pace(now), rows: rowsNow(board, shown), happenings: board.happenings }
    screen.draw(pageLines(page, { columns, lines: rows, colors: output.colors }))
  })
  const end = () => screen.end()
  yield* Effect.acquireRelease(
    // Whoever asks twice to end is not kept waiting, and gets the cursor back all the same.
    Effect.sync(() => process.on("exit", end)),
    () =>
      Effect.sync(() => {
        process.removeListener("exit", end)
        end()
      })
  )
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(draw, Effect.sleep((1000 / FRAMES_PER_SECOND) * shown.speed))))
})

const printed = Effect.fnUntraced(function* (board: Board, output: Output, shown: Shown) {
  const { header, speed } = shown
  output.write(`${header.join("\n")}\n`)
  let told = board.changes
  const summary = Effect.map(Clock.currentTimeMillis, (at) => {
    output.write(
      `${happeningText({ at, text: summaryLine(rowsNow(board, shown), board.changes - told), tone: "plain" })}\n`
    )
    told = board.changes
  })
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(SUMMARY_MILLIS * speed), summary)))
})

export const layerDisplay = (board: Board, output: Output, shown: Shown) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      yield* output.size === undefined ? printed(board, output, shown) : drawn(board, output, output.size, shown)
      yield* follow(board, shown.speed)
    })
  )
