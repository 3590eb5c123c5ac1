/** The screen on a small terminal of the test's own, which understands the few codes that are used. */
import { assert, describe, it } from "vitest"
import { Screen, type Size } from "#cli/dev/Screen"

/** Rows as a terminal would show them, with its scrollback; a cursor that leaves the window is an error. */
const makeTerminal = (size: Size) => {
  let rows: Array<string> = [""]
  let at = 0
  let cursor = true
  let writes = 0
  const write = (text: string) => {
    writes++
    // oxlint-disable-next-line no-control-regex
    for (const [part] of text.matchAll(/\u001b\[[?0-9]*[A-Za-z]|\n|\r|[^\u001b\n\r]+/gu)) {
      // oxlint-disable-next-line no-control-regex
      const up = /^\u001b\[(\d+)A$/u.exec(part)
      if (part === "\n") {
        at++
        rows[at] ??= ""
      } else if (part === "\u001b[J") rows = rows.slice(0, at + 1)
      else if (part === "\u001b[2J") rows = [""]
      else if (part === "\u001b[H") at = 0
      else if (part === "\u001b[?25l") cursor = false
      else if (part === "\u001b[?25h") cursor = true
      else if (up !== null) {
        at -= Number(up[1])
        assert.isAtLeast(at, Math.max(0, rows.length - size.rows), "above the window")
      } else if (!part.startsWith("\u001b") && part !== "\r") rows[at] = part
    }
  }
  return { write, shown: () => rows, cursor: () => cursor, writes: () => writes }
}

describe("the screen", () => {
  it("draws in place below its header", () => {
    const size = { columns: 80, rows: 24 }
    const terminal = makeTerminal(size)
    const screen = new Screen(terminal.write, () => size, ["where to go"])
    screen.draw(["one", "two"])
    screen.draw(["one", "2", "three"])
    assert.deepStrictEqual(terminal.shown(), ["where to go", "one", "2", "three"])
    screen.draw(["one"])
    assert.deepStrictEqual(terminal.shown(), ["where to go", "one"])
  })

  it("never draws more than the window holds, so that it finds its way back up", () => {
    const size = { columns: 80, rows: 5 }
    const terminal = makeTerminal(size)
    const screen = new Screen(terminal.write, () => size, [])
    const lines = Array.from({ length: 30 }, (_, index) => `line ${index}`)
    screen.draw(lines)
    screen.draw(lines.map((line) => `${line} again`))
    assert.deepStrictEqual(terminal.shown(), ["line 0 again", "line 1 again", "line 2 again", "line 3 again"])
  })

  it("writes nothing where nothing changed", () => {
    const size = { columns: 80, rows: 24 }
    const terminal = makeTerminal(size)
    const screen = new Screen(terminal.write, () => size, [])
    screen.draw(["same"])
    screen.draw(["same"])
    assert.strictEqual(terminal.writes(), 1)
  })

  it("begins afresh, header and all, in a window of another size", () => {
    let size = { columns: 80, rows: 24 }
    const terminal = makeTerminal(size)
    const screen = new Screen(terminal.write, () => size, ["where to go"])
    screen.draw(["wide"])
    size = { columns: 60, rows: 24 }
    screen.draw(["narrow"])
    assert.deepStrictEqual(terminal.shown(), ["where to go", "narrow"])
  })

  it("gives the cursor back at the end, below what was drawn", () => {
    const size = { columns: 80, rows: 24 }
    const terminal = makeTerminal(size)
    const screen = new Screen(terminal.write, () => size, [])
    screen.draw(["last"])
    assert.isFalse(terminal.cursor())
    screen.end()
    assert.isTrue(terminal.cursor())
    assert.deepStrictEqual(terminal.shown(), ["last", ""])
  })
})
