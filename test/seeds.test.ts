// Holds docs/SEEDS.md to its promise: as many rows as it says, and every test that it names is there.
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"

const root = new URL("..", import.meta.url)
const text = readFileSync(new URL("docs/SEEDS.md", root), "utf8")

interface Row {
  readonly line: string
  readonly here: string
  readonly shownBy: string
}

const sections = text
  .split(/^## /mu)
  .slice(1)
  .map((section) => {
    const title = section.split("\n", 1)[0] ?? ""
    const rows = section
      .split("\n")
      .filter((line) => line.startsWith("| ") && !line.startsWith("| line |"))
      .map((line): Row => {
        const [, first = "", second = "", third = ""] = line.split(/(?<!\\)\|/u).map((cell) => cell.trim())
        return { line: first, here: second, shownBy: third }
      })
    return { title, promised: Number(/\((\d+) lines\)/u.exec(title)?.[1]), rows }
  })

describe("docs/SEEDS.md", () => {
  it("has a section for each of the five seeds", () => {
    assert.deepStrictEqual(
      sections.map(({ title }) => /^Seed (\d)/u.exec(title)?.[1]),
      ["1", "2", "3", "4", "5"]
    )
  })

  it.each(sections)("$title: the rows are as many as promised, each once", ({ promised, rows }) => {
    assert.strictEqual(rows.length, promised)
    assert.strictEqual(new Set(rows.map(({ line }) => line)).size, rows.length)
  })

  it.each(sections)("$title: every row says what happens here and names a test that exists", ({ rows }) => {
    const wrong = rows.filter(({ here, shownBy }) => {
      const path = /^`([^`]+)`$/u.exec(shownBy)?.[1]
      return here === "" || path === undefined || !existsSync(new URL(path, root))
    })
    assert.deepStrictEqual(wrong, [])
  })
})
