import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { JsonTokens } from "#services/jsonTokens"

const counted = (text: string, pieceBytes = Infinity): JsonTokens => {
  const tokens = new JsonTokens()
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += pieceBytes) tokens.add(bytes.subarray(at, at + pieceBytes))
  return tokens
}

/** Every value and every name that a parser makes of a text. */
const nodes = (json: unknown): number => {
  if (Array.isArray(json)) return json.reduce((sum: number, one) => sum + nodes(one), 1)
  if (typeof json !== "object" || json === null) return 1
  return Object.values(json).reduce((sum: number, one) => sum + 1 + nodes(one), 1)
}

const depth = (json: unknown): number =>
  typeof json === "object" && json !== null
    ? 1 + Object.values(json).reduce((deepest: number, one) => Math.max(deepest, depth(one)), 0)
    : 0

describe("the tokens of a JSON text", () => {
  it.each([
    ["", 0, 0],
    ["42", 0, 0],
    ['"a, b: [{"', 0, 0],
    ['"a \\" , [ \\\\", 1', 1, 0],
    ["[]", 1, 1],
    ["[[],[],[]]", 6, 2],
    ['{"a":1,"b":[2,3]}', 6, 2],
    ["]]]][", 1, 0]
  ])("of %s are %s, %s deep", (text, count, deepest) => {
    const tokens = counted(text)
    assert.deepStrictEqual([tokens.count, tokens.depth], [count, deepest])
  })

  it.effect.prop("are never fewer than half of what a parser makes of it, and as deep", [Schema.Json], ([json]) =>
    Effect.sync(() => {
      const tokens = counted(JSON.stringify(json))
      assert.isAtMost(nodes(json), 2 * tokens.count + 1)
      assert.isAtMost(tokens.count, 2 * nodes(json))
      assert.strictEqual(tokens.depth, depth(json))
    })
  )

  it.effect.prop("do not depend on where the pieces of the text end", [Schema.Json], ([json]) =>
    Effect.sync(() => {
      const text = JSON.stringify({ json, '\u2028é\\"': "\\" })
      const whole = counted(text)
      for (const bytes of [1, 2, 3, 7]) {
        const pieces = counted(text, bytes)
        assert.deepStrictEqual([pieces.count, pieces.depth], [whole.count, whole.depth])
      }
    })
  )
})
