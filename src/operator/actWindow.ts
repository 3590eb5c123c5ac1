/**
 * How long a leader may act on its last renewal. Pure arithmetic on one machine's own clocks: nobody compares the
 * time of two machines, so no clock skew can make two of them act at once.
 */
import { SCALE_COMMIT_MILLIS } from "#services/kubernetesScale"

/** The durations that client-go made customary. */
export const LEASE_MILLIS = 15_000
export const RENEW_DEADLINE_MILLIS = 10_000
export const RETRY_MILLIS = 2_000

/** For clocks that run at slightly different speeds, and for the way to the server. */
const MARGIN_MILLIS = 1_000

/**
 * A rival waits a whole lease from when it saw the renewal, which is after the renewal was sent. A write that
 * starts within this time of that sending has committed, or never will, before a rival can lead.
 */
export const ACT_WINDOW_MILLIS = LEASE_MILLIS - SCALE_COMMIT_MILLIS - MARGIN_MILLIS

/** One instant on both clocks of this machine. */
export interface Instant {
  readonly monotonicMillis: number
  readonly wallMillis: number
}

/**
 * The wall clock counts too, but only against us: it goes on while a machine sleeps, where the monotonic one stops.
 * One that jumps back changes nothing, one that jumps forward costs the time until the next renewal.
 */
export const withinActWindow = (renewalSent: Instant, now: Instant): boolean =>
  Math.max(now.monotonicMillis - renewalSent.monotonicMillis, now.wallMillis - renewalSent.wallMillis) <
  ACT_WINDOW_MILLIS

/** The lease can no longer be relied upon: stop the work while there is time to. */
export const pastRenewDeadline = (renewalSent: Instant, now: Instant): boolean =>
  now.monotonicMillis - renewalSent.monotonicMillis >= RENEW_DEADLINE_MILLIS
