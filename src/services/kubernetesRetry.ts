/**
 * When a call to the API server may be made again. Reads and idempotent writes only: a write under a precondition
 * is settled by reading back, never by sending it again.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { KubernetesError } from "#services/Kubernetes"

const ATTEMPTS_MAX = 4
const BASE_MILLIS = 200
const CAP_MILLIS = 5_000
/** A server that asks for more patience than this is left alone; the caller comes back in its own time. */
const RETRY_AFTER_MAX_MILLIS = 10_000

/** How long to wait before the next attempt, without jitter; undefined: never. `attempt` counts from 1. */
export const retryDelayMillis = (
  error: KubernetesError,
  attempt: number,
  kind: "read" | "idempotent"
): number | undefined => {
  if (attempt >= ATTEMPTS_MAX) return undefined
  const backoff = Math.min(BASE_MILLIS * 2 ** (attempt - 1), CAP_MILLIS)
  switch (error.reason._tag) {
    case "Throttled": {
      const asked = error.reason.retryAfterMillis
      return asked > RETRY_AFTER_MAX_MILLIS ? undefined : Math.max(asked, backoff)
    }
    case "ServerError":
    case "Unreachable":
      return backoff
    case "Unknown": // it may have happened, and may happen once more
      return kind === "idempotent" ? backoff : undefined
    default:
      return undefined
  }
}

const retrying =
  (kind: "read" | "idempotent") =>
  <A, R>(call: Effect.Effect<A, KubernetesError, R>): Effect.Effect<A, KubernetesError, R> => {
    const attempt = (count: number): Effect.Effect<A, KubernetesError, R> =>
      call.pipe(
        Effect.catch((error) => {
          const delay = retryDelayMillis(error, count, kind)
          if (delay === undefined) return Effect.fail(error)
          // Only ever later than asked, so that many clients do not come back together and none too early.
          return Effect.flatMap(Random.nextBetween(1, 1.5), (factor) => Effect.sleep(delay * factor)).pipe(
            Effect.andThen(attempt(count + 1))
          )
        })
      )
    return attempt(1)
  }

/** For GET. */
export const retryRead = retrying("read")

/** For writes whose second time changes nothing: apply, a patch without precondition, a deletion. */
export const retryIdempotent = retrying("idempotent")
