/**
 * The numbers that a story tells, in digits or in English words, each with what it counts. Whatever looks like a number
 * and cannot be read as exactly one is kept as such: it is nobody's number, and a story with it is not shown.
 */

export type Unit = "replicas" | "percent" | "seconds" | "minutes" | "hours"

export interface Told {
  readonly text: string
  /** NaN: it says a number that cannot be told. */
  readonly value: number
  /** So many digits behind the point were told. */
  readonly digits: number
  /** Undefined: anything. */
  readonly unit: Unit | undefined
}

const SMALL =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
const TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
/** Ratios and crowds: no record holds them. */
const UNTELLABLE =
  "double doubled doubles doubling triple tripled triples tripling quadruple quadrupled half halved halves halving quarter quarters dozens hundreds thousands millions billions billion trillion tenfold twofold threefold"

const ADDENDS: ReadonlyMap<string, number> = new Map([
  ...SMALL.split(" ").map((word, value) => [word, value] as const),
  ...TENS.split(" ").map((word, tens) => [word, (tens + 2) * 10] as const),
  ["twice", 2],
  ["thrice", 3],
  ["couple", 2],
  ["pair", 2]
])
const FACTORS: ReadonlyMap<string, number> = new Map([
  ["dozen", 12],
  ["hundred", 100],
  ["thousand", 1000],
  ["million", 1_000_000]
])
const WORDS = [...ADDENDS.keys(), ...FACTORS.keys(), ...UNTELLABLE.split(" ")].join("|")

/** In every story: a pronoun, unless it counts something or ends a number. */
const ONE =
  /(?<!(?:ty|hundred|thousand|million)[\s-])\bone\b(?!\s+(?:replica|pod|second|minute|hour|decision|request|percent)s?\b)(?!\s+(?:hundred|thousand|million|dozen|point)\b)/giu

/** Digits that are grouped, whichever way people group them. */
const GROUPED = /(?<=\d)[,'’_ \u00a0\u2009\u202f](?=\d{3}(?!\d))/gu
/** A sign, digits, and the letters that stick to them; or what calculates with two of them. */
const DIGITS = /(?:(?<![\w.)])-)?(?:\d+(?:\.\d+)?|\.\d+)(?:[,/⁄:^*×]\d[\d.]*)*[\p{L}_]*/gu
const PLAIN = /^(?<number>-?(?:(?:0|[1-9]\d*)(?:\.\d+)?|\.\d+))(?:s|ms|st|nd|rd|th)?$/u
/** Letters and digits of other scripts may be numbers that are not looked for. */
const FOREIGN = /[^\P{L}\p{Script=Latin}]+|(?![0-9])\p{N}+/gu
const WRITTEN = new RegExp(`\\b(?:${WORDS})(?:[\\s-]+(?:${WORDS})|\\s+and\\s+(?:${WORDS}))*\\b`, "giu")

const UNITS: ReadonlyArray<readonly [RegExp, Unit]> = [
  [/^\s*(?:(?:more|fewer|less|extra|additional|new|ready|running)\s+)?(?:pod|replica)s?\b/iu, "replicas"],
  [/^\s*(?:%|percent\b)/iu, "percent"],
  [/^\s*(?:s|secs?|seconds?)\b/iu, "seconds"],
  [/^[\s-]*(?:mins?|minutes?)\b/iu, "minutes"],
  [/^[\s-]*(?:h|hours?)\b/iu, "hours"]
]

const unitOf = (behind: string): Unit | undefined => UNITS.find(([pattern]) => pattern.test(behind))?.[1]

interface Spelt {
  text: string
  /** Thousands and millions that are done with, and what is still being counted. */
  done: number
  open: number
}

/** What some words in a row say: one number, or several. */
const valuesOf = (words: ReadonlyArray<string>): ReadonlyArray<Spelt> => {
  const found: Array<Spelt> = []
  let before = ""
  for (const word of words) {
    if (word === "and") continue
    const last = found.at(-1)
    const addend = ADDENDS.get(word)
    const factor = FACTORS.get(word)
    const goesOn =
      factor !== undefined || FACTORS.has(before) || (before.endsWith("ty") && addend !== undefined && addend < 10)
    if (addend === undefined && factor === undefined) found.push({ text: word, done: 0, open: Number.NaN })
    else if (last === undefined || !goesOn) found.push({ text: word, done: 0, open: addend ?? factor ?? 0 })
    else {
      last.text += ` ${word}`
      if (addend !== undefined) last.open += addend
      else if (factor !== undefined && factor < 1000) last.open = Math.max(1, last.open) * factor
      else if (factor !== undefined) [last.done, last.open] = [last.done + Math.max(1, last.open) * factor, 0]
    }
    before = word
  }
  return found
}

/** Every number of a story. */
export const numbersIn = (story: string): ReadonlyArray<Told> => {
  const plain = story.normalize("NFKC").replaceAll("\u2212", "-").replace(GROUPED, "").replace(ONE, "")
  const digits = [...plain.matchAll(DIGITS)].map((match): Told => {
    const [text] = match
    const number = PLAIN.exec(text)?.groups?.["number"]
    if (number === undefined) return { text, value: Number.NaN, digits: 0, unit: undefined }
    const unit = unitOf(plain.slice(match.index + number.length))
    return { text, value: Number(number), digits: number.split(".")[1]?.length ?? 0, unit }
  })
  const words = [...plain.matchAll(WRITTEN)].flatMap((match): ReadonlyArray<Told> => {
    const unit = unitOf(plain.slice(match.index + match[0].length))
    const spelt = valuesOf(match[0].toLowerCase().split(/[\s-]+/u))
    return spelt.map(({ done, open, text }, index) => ({
      text,
      value: done + open,
      digits: 0,
      unit: index === spelt.length - 1 ? unit : undefined
    }))
  })
  const foreign = [...plain.matchAll(FOREIGN)].map(([text]): Told => ({
    text,
    value: Number.NaN,
    digits: 0,
    unit: undefined
  }))
  return [...digits, ...words, ...foreign]
}
