// A fleet of any size with a past of its own: every record is a real decision on a made-up course of demand, and every
// view is what the operator itself would show of it. Seeded, so that a picture of it can be made again.
import { Effect, Result } from "effect"
import { decide } from "#domain/decide"
import type { BoundEngine } from "#domain/Engine"
import { initialMemory } from "#domain/memory"
import { settle } from "#domain/settle"
import { bindEngine } from "#engines/index"
import { conditionsOf } from "#operator/conditions"
import type { Facts } from "#operator/Facts"
import { Ledger } from "#operator/Ledger"
import { phaseOf } from "#operator/phase"
import { statusOf, summaryOf } from "#operator/status"
import type { DecisionRecord, Outcome } from "#schemas/Decision"
import type { Policy, Signal } from "#schemas/Policy"
import { measured, missing, type Reading } from "#schemas/Reading"
import { deployment, policyOf, refOf, state } from "#test/operator/records"

/** What makes one policy unlike the next. */
export interface Given {
  readonly name: string
  readonly namespace?: string
  readonly over?: Partial<Policy>
  readonly perPod?: number
  /** Demand at a moment of its past, 0 to 1. */
  readonly demand?: (share: number) => number
  readonly peak?: number
  readonly ticks?: number
  readonly trouble?: "Missing" | "Refused" | "Error" | "Conflict"
}

const mulberry = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

const hash = (text: string): number =>
  Array.from(text).reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) | 0, 7)

export const signal = (name: string, perPod: number, over: Partial<Signal> = {}): Signal => ({
  name,
  source: "prometheus",
  options: {},
  target: { type: "AverageValue", milli: perPod * 1000 },
  role: "demand",
  onEmpty: "Missing",
  onMissing: "Hold",
  worksAtZero: false,
  ...over
})

export interface Made {
  readonly policy: Policy
  readonly records: ReadonlyArray<DecisionRecord>
  readonly facts: Facts
}

const engineOf = (policy: Policy): ReadonlyArray<BoundEngine> =>
  policy.engines.map((spec) => Result.getOrThrow(bindEngine(spec)))

const outcomeOf = (trouble: Given["trouble"], from: number, to: number, tick: number): Outcome => {
  if (from === to) return { _tag: "Unchanged" }
  if (trouble === "Refused") {
    return {
      _tag: "Refused",
      reason: "Forbidden",
      message: "deployments/scale is forbidden: the quota of this namespace is used up."
    }
  }
  return { _tag: "Scaled", from, to, resourceVersion: String(tick) }
}

/** `until`: when its last decision was made. */
export const make = (given: Given, until: number): Made => {
  const { demand = (share: number) => share, name, namespace = "shop", peak = 1_200, perPod = 100, ticks = 180 } = given
  const chance = mulberry(hash(namespace + name))
  const target = deployment(name, namespace)
  const policy = policyOf(name, {
    ref: refOf(`${namespace}.${name}`, { name, namespace }),
    targets: { _tag: "Ref", target },
    bounds: { min: 2, max: 20 },
    signals: [signal("rps", perPod)],
    limits: {
      rates: {
        _tag: "Behavior",
        scaleUp: {
          stabilizationSeconds: 0,
          selectPolicy: "Max",
          policies: [{ type: "Pods", value: 3, periodSeconds: 60 }]
        },
        scaleDown: {
          stabilizationSeconds: 300,
          selectPolicy: "Max",
          policies: [{ type: "Percent", value: 50, periodSeconds: 60 }]
        }
      },
      cooldown: { upSeconds: 0, downSeconds: 0 },
      step: {},
      toleranceMilli: { up: 100, down: 100 }
    },
    ...given.over
  })
  const engines = engineOf(policy)
  let memory = initialMemory(policy, until - ticks * policy.intervalMillis)
  let replicas = Math.max(policy.bounds.min, Math.min(policy.bounds.max, 3))
  let ready = replicas
  const records: Array<DecisionRecord> = []
  for (let tick = 0; tick < ticks; tick++) {
    const at = until - (ticks - 1 - tick) * policy.intervalMillis
    const value = Math.round(peak * demand(tick / ticks) * (0.94 + 0.12 * chance()) * 10) / 10
    const lost = given.trouble === "Missing" && tick > ticks - 9
    const reading = (each: Signal, index: number): Reading => {
      if (lost)
        return missing(
          "Unreachable",
          "prometheus.monitoring:9090 refused the connection; see that it runs, or change serverUrl."
        )
      return measured(each.role === "latency" ? 80 + (value / replicas) * 1.4 : index === 0 ? value : value * 0.4, at)
    }
    const observation = {
      at,
      target,
      state: state(replicas, { readyReplicas: ready, resourceVersion: String(tick) }),
      readings: policy.signals.map((each, index) => ({ signal: each.name, reading: reading(each, index) })),
      seed: tick
    }
    const decided = decide({ policy, engines, observation, memory })
    const { decision } = decided
    const outcome = outcomeOf(given.trouble, replicas, decision.desired, tick)
    records.push({
      version: 1,
      id: `${name}.${tick}`,
      policy: policy.ref,
      observation,
      memory,
      decision,
      outcome,
      finishedAt: at + 40
    })
    memory = settle({ policy, memory: { ...decided.memory, lastSeen: replicas }, observation, decision, outcome })
    ready = replicas
    if (outcome._tag === "Scaled") replicas = outcome.to
  }
  const refusals =
    given.trouble === "Error"
      ? [
          {
            reason: "InvalidSpec" as const,
            path: "spec.target",
            message: "Deployment/search does not exist in the namespace catalog: create it, or change spec.target."
          }
        ]
      : []
  const facts: Facts = {
    at: until,
    ref: policy.ref,
    policy,
    refusals,
    findings: [],
    targets: [{ target, memory, record: records.at(-1) }],
    troubles: [],
    foreign: [],
    proposed: true,
    crash: undefined
  }
  return { policy, records, facts }
}

/** Puts them into the ledger in the order of time, as the operator's own report does. */
export const showAll = Effect.fnUntraced(function* (all: ReadonlyArray<Made>) {
  const ledger = yield* Ledger
  const records = all.flatMap(({ policy, records: own }) => own.map((record) => ({ policy, record })))
  for (const { policy, record } of records.sort((left, right) => left.record.finishedAt - right.record.finishedAt)) {
    yield* ledger.record(record, policy)
  }
  for (const made of all) yield* show(made)
})

const show = Effect.fnUntraced(function* ({ facts, policy, records }: Made) {
  const ledger = yield* Ledger
  const conditions = conditionsOf(facts, [])
  const phase = phaseOf(facts, conditions)
  const decisions = records
    .slice(-10)
    .map((record) => summaryOf(record, false))
    .reverse()
  const successful = records.filter(({ outcome }) => outcome._tag !== "Refused").length
  const status = statusOf({
    facts,
    phase,
    conditions,
    decisions,
    totals: { total: records.length, successful }
  })
  yield* ledger.show({
    ref: facts.ref,
    phase,
    mode: policy.mode,
    conditions,
    targets: facts.targets.map(({ target }) => target),
    bounds: policy.bounds,
    status,
    policy,
    at: facts.at
  })
})
