/** A pattern as a person writes it: `spike`, or `spike:height=6,every=1800`. */
import * as Result from "effect/Result"
import { PATTERNS, type Traffic } from "./patterns.ts"
import type { Seed } from "./words.ts"

export interface NamedTraffic {
  readonly name: string
  /** 1 is the usual rate. */
  readonly traffic: Traffic
}

/** The failure says what to write instead. */
export const patternOf = (text: string, seed: Seed): Result.Result<NamedTraffic, string> => {
  const [name = "", rest = ""] = text.split(/:(.*)/u)
  const pattern = Object.hasOwn(PATTERNS, name) ? PATTERNS[name] : undefined
  if (pattern === undefined) {
    return Result.fail(`there is no pattern ${name}: choose one of ${Object.keys(PATTERNS).join(", ")}`)
  }
  const known = Object.keys(pattern.knobs)
  const knobs: Record<string, number> = {}
  for (const part of rest.split(",")) {
    if (part.trim() === "") continue
    const [knob = "", given = ""] = part.split("=").map((side) => side.trim())
    const value = Number(given)
    if (!known.includes(knob)) return Result.fail(`${name} has no ${knob}: it has ${known.join(", ")}`)
    if (given === "" || !Number.isFinite(value) || value < 0) {
      return Result.fail(`${name}: ${knob} is ${given === "" ? "nothing" : given}; give a number of at least 0`)
    }
    if (value === 0 && NEVER_ZERO.has(knob)) return Result.fail(`${name}: ${knob} is a time; give more than 0 seconds`)
    knobs[knob] = value
  }
  return Result.succeed({ name: text, traffic: pattern.traffic(knobs, seed) })
}

/** By these is divided. */
const NEVER_ZERO: ReadonlySet<string> = new Set("scale rise doubling every fade stay last day on".split(" "))
