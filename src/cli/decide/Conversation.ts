/**
 * The evaluator's side of `decide --protocol 1`: an init message names a workload and what it must achieve, an ordinary
 * ScalingPolicy is made of it (or one is given), and each tick is one observation for the operator's own pipeline. What
 * is judged here is what a user gets. A line that cannot be used is answered with "keep it" or not at all.
 */
import * as Result from "effect/Result"
import { initialMemory } from "#domain/memory"
import { play } from "#domain/play"
import type { Memory } from "#schemas/Memory"
import type { Observation } from "#schemas/Observation"
import type { Role, Signal } from "#schemas/Policy"
import { measured, missing, type Reading } from "#schemas/Reading"
import { unusable } from "#sources/Source"
import { type PolicyFile, readPolicyFile } from "./policyFile.ts"
import { SECONDS_MAX, targetOf } from "./Session.ts"
import { workloadPolicy } from "./workloadPolicy.ts"

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

/** Which of the protocol's numbers each role is, and by what factor: utilizations are percentages here. */
const METRICS: Readonly<Record<Role, readonly [string, number]>> = {
  demand: ["rps", 1],
  served: ["servedRps", 1],
  utilization: ["cpuUtilisation", 100],
  concurrency: ["concurrency", 1],
  backlog: ["queueLength", 1],
  latency: ["p95LatencyMs", 1],
  errorRate: ["errorRate", 1],
  badFraction: ["badFraction", 1]
}

const LOST = missing("NotGiven", "The scrape was lost.")

const readingOf = ({ role }: Signal, metrics: unknown, at: number): Reading => {
  if (role === undefined || !isJson(metrics)) return LOST
  const [field, factor] = METRICS[role]
  const value = metrics[field]
  if (typeof value !== "number") return LOST
  const age = metrics["ageSeconds"]
  const ageMillis = typeof age === "number" && age > 0 && age <= SECONDS_MAX ? Math.round(age * 1000) : 0
  return unusable(value * factor, `The value of ${field}`) ?? measured(value * factor, at - ageMillis)
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
  #file: PolicyFile | undefined = undefined
  #memory: Memory | undefined = undefined
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
      this.#file = found
      this.#memory = undefined
      return Result.succeed(found)
    })
  }

  #tick(message: Json) {
    const { metrics, seq } = message
    const file = this.#file
    const [t, replicas, ready] = [message["t"], count(message["desired"]), count(message["ready"])]
    if (file === undefined || typeof t !== "number" || !(Math.abs(t) <= SECONDS_MAX) || replicas === undefined) {
      this.warnings.push("a tick needs t and desired, and an init message before it")
      return { seq, desired: null }
    }
    const { engines, policy } = file
    const at = Math.round(t * 1000)
    const observation: Observation = {
      at,
      target: targetOf(policy),
      state: {
        specReplicas: replicas,
        statusReplicas: (ready ?? replicas) + (count(message["starting"]) ?? 0),
        readyReplicas: ready ?? replicas,
        resourceVersion: "",
        rollingOut: false
      },
      readings: policy.signals.map((signal) => ({ signal: signal.name, reading: readingOf(signal, metrics, at) })),
      seed: count(seq) ?? 0
    }
    const memory = this.#memory ?? initialMemory(policy, at)
    const decided = play({ policy, engines, observation, memory })
    this.#memory = decided.memory
    const { desired, engine, limitedBy, reason } = decided.decision
    return { seq, desired: desired === replicas ? null : desired, engine, limitedBy, reason }
  }
}
