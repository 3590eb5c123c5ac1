/**
 * The largest of what was asked for within a while, for several whiles at once: only entries that a later one does not
 * outdo are kept, so what is remembered stays short.
 */
import type { Millis } from "#schemas/Reading"

export interface Peak {
  readonly at: Millis
  readonly replicas: number
}

/** More than a falling staircase of whole replicas can hold in practice. */
const PEAKS_KEPT = 64

export const addPeak = (peaks: ReadonlyArray<Peak>, peak: Peak, keptMillis: number): ReadonlyArray<Peak> => {
  const standing = peaks.filter(({ at, replicas }) => replicas > peak.replicas && at > peak.at - keptMillis)
  return [...standing, peak].slice(-PEAKS_KEPT)
}

/** The largest since a moment; `least` where there was none. */
export const peakSince = (peaks: ReadonlyArray<Peak>, since: Millis, least: number): number => {
  const first = peaks.find(({ at }) => at >= since)
  return Math.max(first?.replicas ?? least, least)
}
