/**
 * The evaluator's side of `decide --protocol 1`: an init message names a workload and what it must achieve, an ordinary
 * ScalingPolicy is made of it (or one is given), and each tick is one observation for the operator's own pipeline. What
 * is judged here is what a user gets. A line that cannot be used is answered with "keep it" or not at all.
 */
import * as Result from "effect/Result"
import { Decider } from "#judge/Decider"
import { measureOf, readingOf } from "#judge/measures"
import { type PolicyFile, readPolicyFile } from "#judge/policyFile"
import { SECONDS_MAX } from "./Session.ts"
import { workloadPolicy } from "#judge/workloadPolicy"

type Json = Readonly<Record<string, unknown>>

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

const parsed = (text: string): Json | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return isJson(value) ? value : undefined
  } catch {
    return undefined
  }
}

const count = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined

const INTERVAL_STEP_SECONDS = 5
const INTERVAL_MAX_SECONDS = 60

const intervalSeconds = (millis: number): number => {
  const steps = Math.floor(millis / 1000 / INTERVAL_STEP_SECONDS)
  return Math.min(INTERVAL_MAX_SECONDS, Math.max(1, steps) * INTERVAL_STEP_SECONDS)
}

interface Answered {
  readonly out: string
  readonly problem?: string
}

export class Conversation {
  readonly #given: PolicyFile | undefined
  readonly #told: (policy: string) => void
  #decider: Decider | undefined = undefined
  #rest = ""
  #over = false
  warnings: Array<string> = []

  /** `given`: the policy to decide by, instead of one that is made of the init message. `told` hears which it is. */
  constructor(given?: PolicyFile, told: (policy: string) => void = () => {}) {
    this.#given = given
    this.#told = told
  }

  /** Answers every line that `text` completes. */
  feed(text: string): Answered {
    const lines = (this.#rest + text).split("\n")
    this.#rest = lines.pop() ?? ""
    return this.#answer(lines)
  }

  end(): Answered {
    const last = this.#rest
    this.#rest = ""
    return this.#answer([last])
  }

  #answer(lines: ReadonlyArray<string>): Answered {
    let out = ""
    for (const text of lines) {
      if (this.#over || text.trim() === "") continue
      const message = parsed(text)
      if (message?.["type"] === "end") this.#over = true
      else if (message?.["type"] === "init") {
        const file = this.#begin(message)
        if (Result.isFailure(file)) return { out, problem: file.failure }
        out += `${JSON.stringify({ type: "ready", intervalSeconds: intervalSeconds(file.success.policy.intervalMillis) })}\n`
      } else if (message?.["type"] === "tick") out += `${JSON.stringify(this.#tick(message))}\n`
      else this.warnings.push(`this is neither init, tick nor end: ${text.slice(0, 80)}`)
    }
    return { out }
  }

  #begin(init: Json): Result.Result<PolicyFile, string> {
    if (init["protocol"] !== 1) return Result.fail(`protocol ${String(init["protocol"])} is not known; use protocol 1`)
    const made = this.#given === undefined ? workloadPolicy(init) : undefined
    if (made !== undefined) this.#told(made)
    const file = made === undefined ? Result.succeed(this.#given) : readPolicyFile("init", made, undefined)
    return Result.flatMap(file, (found) => {
      if (found === undefined) return Result.fail("there is no policy to decide by")
      this.#decider = new Decider(found)
      return Result.succeed(found)
    })
  }

  #tick(message: Json) {
    const { metrics, seq } = message
    const decider = this.#decider
    const [t, replicas] = [message["t"], count(message["desired"])]
    if (decider === undefined || typeof t !== "number" || !(Math.abs(t) <= SECONDS_MAX) || replicas === undefined) {
      this.warnings.push("a tick needs t and desired, and an init message before it")
      return { seq, desired: null }
    }
    const at = Math.round(t * 1000)
    const ready = count(message["ready"]) ?? replicas
    const decision = decider.decide({
      at,
      replicas,
      ready,
      pods: ready + (count(message["starting"]) ?? 0),
      seed: count(seq) ?? 0,
      reading: (signal) => readingOf(measureOf(signal), metrics, at)
    })
    const { desired, engine, limitedBy, reason } = decision
    return { seq, desired: desired === replicas ? null : desired, engine, limitedBy, reason }
  }
}
