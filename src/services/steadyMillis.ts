/** What has passed by the clock that nobody sets, neither a person nor a time server. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Millis } from "#schemas/Reading"

export const steadyMillis: Effect.Effect<Millis> = Effect.map(Clock.monotonicTimeNanos, (nanos) =>
  Number(nanos / 1_000_000n)
)
