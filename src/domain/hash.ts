/** A short name for a value: equal for equal values, whatever order their keys were written in. */

/** FNV-1a over UTF-16 code units, from a given start. */
const fnv = (text: string, start: number): string => {
  let hash = start
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, "0")
}

/** The same text for the same value, whatever order its keys were written in. */
const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null"
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  const sorted = fields.toSorted(([left], [right]) => (left < right ? -1 : 1))
  return `{${sorted.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(",")}}`
}

/** Sixteen hexadecimal digits: to tell versions of a spec apart, not to keep a secret. */
export const hashOf = (value: unknown): string => {
  const text = canonical(value)
  return fnv(text, 0x811c9dc5) + fnv(text, 0x01234567)
}
