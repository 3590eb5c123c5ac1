/**
 * Kubernetes quantities as integers in thousandths, the unit in which the HPA compares a value with its target.
 * Exact: decimal text never passes through a binary float.
 */

const PATTERN = /^([+-]?)(\d*)(?:\.(\d*))?(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?\d{1,3})?$/u

const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }
const BINARY: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 }

/** Longer than any quantity a person writes, and short enough that no text can make the arithmetic slow. */
const MAX_LENGTH = 64

/**
 * "1500m" is 1500, "2" is 2000, "1Ki" is 1024000. What lies between two thousandths is rounded away from zero, as
 * a Quantity's milli value is. Undefined: not a quantity, or beyond what a safe integer of thousandths can hold.
 */
export const parseQuantityMilli = (text: string): number | undefined => {
  if (text.length > MAX_LENGTH) return undefined
  const parts = PATTERN.exec(text)
  if (parts === null) return undefined
  const [, sign, whole = "", fraction = "", suffix = ""] = parts
  if (whole === "" && fraction === "") return undefined
  let numerator = BigInt(whole + fraction)
  let exponent = 3 - fraction.length
  const binary = BINARY[suffix]
  if (binary !== undefined) numerator <<= BigInt(binary)
  else if (suffix !== "") exponent += DECIMAL[suffix] ?? Number(suffix.slice(1))
  let milli: bigint
  if (exponent >= 0) {
    if (numerator !== 0n && exponent > 40) return undefined
    milli = numerator === 0n ? 0n : numerator * 10n ** BigInt(exponent)
  } else {
    const divisor = 10n ** BigInt(-exponent)
    milli = (numerator + divisor - 1n) / divisor
  }
  const result = Number(sign === "-" ? -milli : milli)
  // -0 would not survive JSON.
  return Number.isSafeInteger(result) ? result + 0 : undefined
}

/** A number in thousandths as it is, except that one that a double merely cannot hold exactly (1.1) is a whole number of them. */
export const thousandths = (value: number): number => {
  const nearest = Math.round(value * 1000)
  return nearest / 1000 === value ? nearest + 0 : value * 1000
}

const SUFFIXES = ["m", "", "k", "M", "G", "T", "P"]

/** The shortest exact decimal form, as Kubernetes prints it: 1500 is "1500m", 2000 is "2", 1000000000 is "1M". */
export const formatMilli = (milli: number): string => {
  if (milli === 0) return "0"
  let value = milli
  let at = 0
  while (at < SUFFIXES.length - 1 && value % 1000 === 0) {
    value /= 1000
    at += 1
  }
  return `${value}${SUFFIXES[at]}`
}
