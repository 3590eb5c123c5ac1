/**
 * When an actor that crashed starts again: later after each crash, up to a cap, jittered so that a crowd does not
 * return as one, and from the beginning once a run has been healthy for a while. (A plain retry schedule never
 * forgets: after a month of health the next crash would wait for the cap.)
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"

export interface RestartLimits {
  readonly baseMillis: number
  readonly capMillis: number
  readonly healthyAfterMillis: number
}

export const RESTART_LIMITS: RestartLimits = { baseMillis: 500, capMillis: 60_000, healthyAfterMillis: 60_000 }

export const restartPolicy = (limits: RestartLimits = RESTART_LIMITS): Schedule.Schedule<number, unknown> =>
  Schedule.fromStepWithMetadata<unknown, number, never, never, never, never>(
    Effect.sync(() => {
      let streak = 0
      let lastDelay = 0
      return (metadata) =>
        Effect.sync(() => {
          // The elapsed time includes the delay before the run; jitter makes it up to a fifth longer.
          const ranFor = metadata.elapsedSincePrevious - lastDelay * 1.2
          streak = metadata.attempt > 1 && ranFor < limits.healthyAfterMillis ? streak + 1 : 0
          lastDelay = Math.min(limits.baseMillis * 2 ** Math.min(streak, 30), limits.capMillis)
          return [streak, Duration.millis(lastDelay)] as [number, Duration.Duration]
        })
    })
  ).pipe(Schedule.jittered)
