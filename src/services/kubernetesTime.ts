/** RFC 3339 as the API server writes and accepts it. Pure: the millisecond is the caller's. */

/** metav1.MicroTime, which Leases and Events want. */
export const microTime = (millis: number): string => new Date(millis).toISOString().replace("Z", "000Z")

const FRACTION = ".000Z"

/** metav1.Time: whole seconds. */
export const secondTime = (millis: number): string => `${new Date(millis).toISOString().slice(0, -FRACTION.length)}Z`

/** Undefined: no time at all. */
export const parseTime = (text: string | null | undefined): number | undefined => {
  if (text === null || text === undefined || text === "") return undefined
  const millis = Date.parse(text)
  return Number.isNaN(millis) ? undefined : millis
}
