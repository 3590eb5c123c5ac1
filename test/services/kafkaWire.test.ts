import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { KafkaFailure } from "#services/kafkaFailure"
import { array, frameOf, int16, int32, int64, int8, string, WireReader } from "#services/kafkaWire"

const malformed = (read: () => unknown, what = "") => {
  try {
    read()
  } catch (error) {
    assert.instanceOf(error, KafkaFailure, what)
    assert.strictEqual((error as KafkaFailure).why, "Malformed")
    return
  }
  assert.fail(`${what} was read`)
}

describe("the reader", () => {
  it("reads what was written", () => {
    const reader = new WireReader(
      Buffer.concat([
        int8(-1),
        int16(258),
        int32(-2),
        int64(2n ** 62n),
        string("größe"),
        int16(-1),
        array([1, 2], int32)
      ])
    )
    assert.deepStrictEqual(
      [
        reader.int8(),
        reader.int16(),
        reader.int32(),
        reader.int64(),
        reader.string(),
        reader.nullableString(),
        reader.array(reader.int32)
      ],
      [-1, 258, -2, 2n ** 62n, "größe", undefined, [1, 2]]
    )
    reader.end()
  })

  it("takes no beginning of an answer for the answer, and nothing behind its end", () => {
    const whole = Buffer.concat([string("topic"), array([1, 2, 3], int32)])
    const read = (bytes: Buffer) => {
      const reader = new WireReader(bytes)
      reader.string()
      reader.array(reader.int32)
      reader.end()
    }
    read(whole)
    for (let length = 0; length < whole.length; length += 1)
      malformed(() => read(whole.subarray(0, length)), `${length}`)
    malformed(() => read(Buffer.concat([whole, int8(0)])))
  })

  it("asks for no memory on the word of an answer", () => {
    malformed(() => new WireReader(int32(2 ** 31 - 1)).array(() => 0))
    malformed(() => new WireReader(int32(2 ** 31 - 1)).bytes())
    malformed(() => new WireReader(int32(-5)).bytes())
  })

  it("reads no more items than there can be, in lists of lists neither", () => {
    const read = (lists: number, each: number, itemsMax?: number) => {
      const bytes = Buffer.concat([
        int32(lists),
        ...Array.from({ length: lists }, () => array(Array(each).fill(1), int8))
      ])
      const reader = new WireReader(bytes, itemsMax)
      return reader.array(() => reader.array(reader.int8)).flat().length
    }
    assert.strictEqual(read(2, 4, 10), 8)
    for (const [lists, each, itemsMax] of [
      [2, 5, 10],
      [11, 0, 10],
      [1, 200_000, undefined]
    ] as const) {
      assert.throws(() => read(lists, each, itemsMax), KafkaFailure, "more items than can be looked at")
    }
  })

  it("passes over a list without making anything of it", () => {
    const reader = new WireReader(Buffer.concat([array([1, 2, 3], int32), int32(-1), int8(7)]), 0)
    reader.skipArray(4)
    reader.skipArray(4)
    assert.strictEqual(reader.int8(), 7)
    malformed(() => new WireReader(int32(2 ** 31 - 1)).skipArray(4))
  })

  it.effect.prop(
    "reads arbitrary bytes or refuses them, and does nothing else",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))],
    ([bytes]) =>
      Effect.sync(() => {
        const reader = new WireReader(Buffer.from(bytes))
        try {
          reader.array(() => [reader.string(), reader.array(reader.int64), reader.bytes()])
          reader.end()
        } catch (error) {
          assert.instanceOf(error, KafkaFailure)
        }
      })
  )
})

describe("a frame", () => {
  it("begins with its length and says who asks", () => {
    const call = { name: "Thing", key: 7, versions: [1, 2] as const, encode: () => string("x"), decode: () => 0 }
    const frame = frameOf(call, 2, 5)
    assert.strictEqual(frame.toString("latin1"), "\0\0\0\x18\0\x07\0\x02\0\0\0\x05\0\x0bnimbusguard\0\x01x")
  })
})
