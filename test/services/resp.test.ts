import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { encodeCommands, REPLY_BYTES_MAX, RespReader, RespViolation } from "#services/resp"
import type { Reply } from "#services/resp"

const bytes = (text: string) => new TextEncoder().encode(text)

const readBytes = (...chunks: ReadonlyArray<Uint8Array>) => {
  const reader = new RespReader()
  return chunks.flatMap((chunk) => reader.push(chunk))
}

const read = (...chunks: ReadonlyArray<string>) => readBytes(...chunks.map(bytes))

const violation = (text: string) => {
  try {
    return read(text)
  } catch (error) {
    return error instanceof RespViolation ? error.why : error
  }
}

const encode = (reply: Reply): string => {
  if (reply === null) return "$-1\r\n"
  if (typeof reply === "number") return `:${reply}\r\n`
  if (typeof reply === "string") return `$${bytes(reply).length}\r\n${reply}\r\n`
  if ("_tag" in reply) return `-${reply.text}\r\n`
  return `*${reply.length}\r\n${reply.map(encode).join("")}`
}

describe("a reply", () => {
  it.each<readonly [string, ReadonlyArray<Reply>]>([
    ["+list\r\n", ["list"]],
    [":42\r\n", [42]],
    [":-1\r\n", [-1]],
    ["$-1\r\n*-1\r\n", [null, null]],
    ["$0\r\n\r\n", [""]],
    ["$6\r\na\r\nb\r\n\r\n", ["a\r\nb\r\n"]],
    ["-WRONGPASS no\r\n", [{ _tag: "ErrorReply", text: "WRONGPASS no" }]],
    ["*0\r\n", [[]]],
    ["*2\r\n*1\r\n:1\r\n+a\r\n:5\r\n", [[[1], "a"], 5]],
    ["*1\r\n*0\r\n", [[[]]]],
    ["+half", []],
    ["$5\r\nabc", []],
    ["*2\r\n:1\r\n", []]
  ])("%j is %j", (text, expected) => assert.deepStrictEqual(read(text), expected))

  it.prop(
    "is the same however it is cut",
    [Schema.Array(Schema.Union([Schema.String, Schema.Int, Schema.Null])), Schema.Int],
    ([given, cut]) => {
      const values = given.map((value) => {
        // Neither half a character nor -0 can be said in RESP.
        if (typeof value === "string") return value.toWellFormed()
        return value === null ? null : value + 0
      })
      const sent = bytes(encode([values, values]))
      const at = Math.abs(cut) % (sent.length + 1)
      assert.deepStrictEqual(readBytes(sent.subarray(0, at), sent.subarray(at)), [[values, values]])
      assert.deepStrictEqual(readBytes(...Array.from(sent, (byte) => Uint8Array.of(byte))), [[values, values]])
    }
  )

  it.each([
    ["HTTP/1.1 400 Bad Request\r\n", "Malformed"],
    ["\u0015\u0003\u0003", "Malformed"],
    [":4x\r\n", "Malformed"],
    [":\r\n", "Malformed"],
    [":1\n", "Malformed"],
    ["$-2\r\n", "Malformed"],
    ["$1\r\nabc", "Malformed"],
    ["*-2\r\n", "Malformed"],
    ["*1e3\r\n", "Malformed"],
    [":99999999999999999999\r\n", "Malformed"],
    ["$16385\r\n", "TooLarge"],
    ["$9000000000000000000\r\n", "TooLarge"],
    ["*99999999999\r\n", "TooLarge"],
    ["*20001\r\n", "TooLarge"],
    ["*1\r\n".repeat(9), "TooLarge"],
    [`+${"x".repeat(5000)}`, "TooLarge"],
    [`*20000\r\n${":1\r\n".repeat(20_000)}`, "TooLarge"],
    [`*100\r\n${`$16000\r\n${"x".repeat(16_000)}\r\n`.repeat(70)}`, "TooLarge"]
  ])("%# is refused where it breaks the protocol or a bound", (text, why) => assert.strictEqual(violation(text), why))

  it("may be as long as the bounds, one after the other", () => {
    const one = encode(Array.from({ length: 60 }, () => "x".repeat(16_000)))
    assert.isBelow(one.length, REPLY_BYTES_MAX)
    assert.strictEqual(read(one, one, one).length, 3)
  })
})

describe("a command", () => {
  it("is a list of texts, whatever is in them", () => {
    const sent = encodeCommands([
      ["TYPE", "a\r\nFLUSHALL\r\n"],
      ["LLEN", "länge"]
    ])
    const expected = "*2\r\n$4\r\nTYPE\r\n$13\r\na\r\nFLUSHALL\r\n\r\n*2\r\n$4\r\nLLEN\r\n$6\r\nlänge\r\n"
    assert.strictEqual(new TextDecoder().decode(sent), expected)
  })
})
