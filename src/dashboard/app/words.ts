/** Numbers and times as the page writes them. What is not known is a dash, and never a zero. */

export const NONE = "–"

const trimmed = (value: number, digits: number): string => String(Number(value.toPrecision(digits)))

/** Four figures at most, with k and M beyond ten thousand. */
export const number = (value: number | null | undefined): string => {
  if (value === undefined || value === null) return NONE
  const size = Math.abs(value)
  if (size >= 1e9) return `${trimmed(value / 1e9, 3)}G`
  if (size >= 1e6) return `${trimmed(value / 1e6, 3)}M`
  if (size >= 1e4) return `${trimmed(value / 1e3, 3)}k`
  return Number.isInteger(value) ? String(value) : trimmed(value, size < 1 ? 2 : 4)
}

const SUFFIX: Readonly<Record<string, number>> = { n: 1e-9, u: 1e-6, m: 1e-3, k: 1e3, M: 1e6, G: 1e9 }

/** A quantity of the API ("1500m", "2k", "70%") as a person reads it. */
export const quantity = (text: string | undefined): string => {
  if (text === undefined) return NONE
  const parts = /^(-?[\d.]+)([numkMG]?)(%?)$/u.exec(text)
  if (parts === null) return text
  const [, digits = "", suffix = "", percent = ""] = parts
  return `${number(Number(digits) * (SUFFIX[suffix] ?? 1))}${percent === "" ? "" : " %"}`
}

const two = (value: number): string => String(value).padStart(2, "0")

export const clock = (millis: number): string => {
  const date = new Date(millis)
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** With the day where it is not today's. */
export const moment = (millis: number, now: number): string => {
  const date = new Date(millis)
  if (date.toDateString() === new Date(now).toDateString()) return clock(millis)
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock(millis)}`
}

export const iso = (millis: number): string => new Date(millis).toISOString()

export const duration = (millis: number): string => {
  const seconds = Math.max(0, Math.round(millis / 1000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`
  return `${Math.floor(seconds / 86_400)} d`
}

export const ago = (millis: number | undefined, now: number): string =>
  millis === undefined ? NONE : now - millis < 2_000 ? "now" : `${duration(now - millis)} ago`

export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`

/** Money without a currency: the policy names none. */
export const money = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(2))
