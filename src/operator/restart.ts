/**
 * When an actor that crashed starts again: later after each crash, up to a cap, jittered so that a crowd does not
 * return as one, and from the beginning once a run has been healthy for a while. Plain numbers and no schedule,
 * because ten thousand healthy actors would each carry one about.
 */
import type { Millis } from "#schemas/Reading"

export interface RestartLimits {
  readonly baseMillis: number
  readonly capMillis: number
  readonly healthyAfterMillis: number
}

export const RESTART_LIMITS: RestartLimits = { baseMillis: 500, capMillis: 60_000, healthyAfterMillis: 60_000 }

/** Crashes without a healthy run between them. */
export interface Streak {
  readonly crashes: number
  /** When the next run begins, or began. */
  readonly runsFrom: Millis
}

const JITTER = 0.2

/** `chance` is 0..1. The streak as it is after a crash at this time; the pause lasts until it `runsFrom`. */
export const afterCrash = (
  streak: Streak | undefined,
  at: Millis,
  chance: number,
  limits: RestartLimits = RESTART_LIMITS
): Streak => {
  const healthy = streak === undefined || at - streak.runsFrom >= limits.healthyAfterMillis
  const crashes = healthy ? 1 : streak.crashes + 1
  const pause = Math.min(limits.baseMillis * 2 ** Math.min(crashes - 1, 30), limits.capMillis)
  return { crashes, runsFrom: at + Math.round(pause * (1 - JITTER + 2 * JITTER * chance)) }
}
