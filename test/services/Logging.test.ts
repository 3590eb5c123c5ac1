import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Redacted, Schema } from "effect"
import { layerLogging, type LoggingOptions } from "#services/Logging"

class ForeseenError extends Schema.TaggedError<ForeseenError>()("ForeseenError", { what: Schema.String }) {
  override get message() {
    return `it is ${this.what}`
  }
}

const logged = (effect: Effect.Effect<unknown>, options: Partial<LoggingOptions> = {}) =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const write = (line: string) => void lines.push(line)
    yield* Effect.provide(effect, layerLogging({ level: "Info", format: "json", colors: false, write, ...options }))
    return lines
  })

const json = (effect: Effect.Effect<unknown>) =>
  Effect.map(logged(effect), (lines) => lines.map((line): Record<string, unknown> => JSON.parse(line)))

describe("log lines for a collector", () => {
  it.effect("are one JSON object each, with time, level, message, annotations and the trace", () =>
    Effect.gen(function* () {
      const [line] = yield* json(
        Effect.logInfo("scaled", { from: 2, to: 5 }).pipe(
          Effect.annotateLogs({ policy: "shop/web" }),
          Effect.withSpan("policy.tick")
        )
      )
      assert.strictEqual(line?.["time"], "1970-01-01T00:00:00.000Z")
      assert.deepInclude(line, { level: "info", message: "scaled", from: 2, to: 5, policy: "shop/web" })
      assert.match(String(line?.["traceId"]), /^[0-9a-f]{32}$/)
      assert.match(String(line?.["spanId"]), /^[0-9a-f]{16}$/)
    })
  )

  it.effect("stay one line whatever the message holds", () =>
    Effect.gen(function* () {
      const lines = yield* logged(Effect.logInfo('a\nb "c" \u2028', { text: "x\ny", big: 1n, self: loop() }))
      assert.strictEqual(lines.length, 1)
      assert.notInclude(lines[0], "\n")
      assert.strictEqual(JSON.parse(lines[0] ?? "").message, 'a\nb "c" \u2028')
    })
  )

  it.effect("tell an error whole", () =>
    Effect.gen(function* () {
      const [line] = yield* json(Effect.logError("tick failed", Cause.die(new Error("boom"))))
      assert.strictEqual(line?.["message"], "tick failed")
      assert.match(String(line?.["error"]), /^Error: boom\n\s+at /)
    })
  )

  it.effect("tell a failure that was foreseen without its stack", () =>
    Effect.gen(function* () {
      const error = new ForeseenError({ what: "gone" })
      const lines = yield* json(
        Effect.logWarning("again", error).pipe(Effect.andThen(Effect.logWarning("again", Cause.fail(error))))
      )
      for (const line of lines) assert.strictEqual(line["error"], "ForeseenError: it is gone")
    })
  )

  it.effect("do not let an annotation pass for the time or the level", () =>
    Effect.gen(function* () {
      const [line] = yield* json(Effect.logInfo("m").pipe(Effect.annotateLogs({ level: "none", time: "never" })))
      assert.deepInclude(line, { level: "info", level_: "none", time_: "never" })
    })
  )

  it.effect("redact secrets", () =>
    Effect.gen(function* () {
      const lines = yield* logged(Effect.logInfo("key", Redacted.make("hunter2"), { key: Redacted.make("hunter2") }))
      assert.notInclude(lines.join(), "hunter2")
    })
  )

  it.effect("below the level are not written", () =>
    Effect.gen(function* () {
      const all = Effect.andThen(Effect.logDebug("d"), Effect.logWarning("w"))
      assert.strictEqual((yield* logged(all)).length, 1)
      assert.strictEqual((yield* logged(all, { level: "Debug" })).length, 2)
      assert.strictEqual((yield* logged(all, { level: "None" })).length, 0)
    })
  )
})

describe("log lines for a person", () => {
  it.effect("read as time, level, message and fields", () =>
    Effect.gen(function* () {
      const lines = yield* logged(Effect.logWarning("held", { policy: "shop/web" }), { format: "pretty" })
      assert.deepStrictEqual(lines, ["00:00:00.000 WARN  held policy=shop/web"])
    })
  )

  it.effect("cannot drive the terminal", () =>
    Effect.gen(function* () {
      const [line] = yield* logged(Effect.logInfo("a\u001b[2Jb", { f: "\u009b2J" }), { format: "pretty" })
      // oxlint-disable-next-line no-control-regex
      assert.notMatch(line ?? "", /[\u001b\u009b]/)
    })
  )
})

const loop = () => {
  const self: Record<string, unknown> = {}
  self["self"] = self
  return self
}
