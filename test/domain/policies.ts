/** Policies, observations and ticks for the tests of the domain: complete, small, and overridable part by part. */
import * as Result from "effect/Result"
import type { BoundEngine } from "#domain/Engine"
import { play } from "#domain/play"
import { initialMemory } from "#domain/memory"
import type { Situation } from "#domain/Situation"
import { bindEngine } from "#engines/index"
import type { Decision } from "#schemas/Decision"
import type { Memory } from "#schemas/Memory"
import type { Observation, TargetState } from "#schemas/Observation"
import type { Limits, Policy, Rates, ScalingRules, Signal } from "#schemas/Policy"
import { measured, missing, type Reading } from "#schemas/Reading"

export const MINUTE = 60_000

export const rules = (over: Partial<ScalingRules> = {}): ScalingRules => ({
  stabilizationSeconds: 0,
  selectPolicy: "Max",
  policies: [{ type: "Percent", value: 100, periodSeconds: 15 }],
  ...over
})

/** What the API server makes of an empty behavior. */
export const hpaRates = (up: Partial<ScalingRules> = {}, down: Partial<ScalingRules> = {}): Rates => ({
  _tag: "Behavior",
  scaleUp: rules({
    policies: [
      { type: "Pods", value: 4, periodSeconds: 15 },
      { type: "Percent", value: 100, periodSeconds: 15 }
    ],
    ...up
  }),
  scaleDown: rules({ stabilizationSeconds: 300, ...down })
})

export const FREE: Rates = { _tag: "Windows", upSeconds: 0, downSeconds: 0 }

export const limitsOf = (over: Partial<Limits> = {}): Limits => ({
  rates: FREE,
  cooldown: { upSeconds: 0, downSeconds: 0 },
  step: {},
  toleranceMilli: { up: 100, down: 100 },
  ...over
})

export const signalOf = (over: Partial<Signal> = {}): Signal => ({
  name: "rps",
  source: "prometheus",
  options: {},
  target: { type: "AverageValue", milli: 100_000 },
  onEmpty: "Missing",
  onMissing: "Hold",
  worksAtZero: false,
  ...over
})

/** A signal that is watched and has no target of its own. */
export const watched = (name: string, over: Partial<Signal> = {}): Signal => {
  const { target: _, ...rest } = signalOf({ name, ...over })
  return rest
}

export const policyOf = (over: Partial<Policy> = {}): Policy => ({
  ref: {
    kind: "ScalingPolicy",
    apiVersion: "nimbusguard.io/v1",
    namespace: "shop",
    name: "web",
    uid: "uid",
    generation: 1,
    createdAt: 0
  },
  targets: { _tag: "Ref", target: { apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "web" } },
  bounds: { min: 1, max: 100 },
  intervalMillis: 15_000,
  mode: "Active",
  signals: [signalOf()],
  engines: [{ engine: "target", options: {} }],
  limits: limitsOf(),
  objectives: {},
  schedules: [],
  actuation: { _tag: "Scale" },
  safety: { rolloutGuard: true, disruptionFloor: true, rollback: true, freezeOnFailingPods: true },
  findings: [],
  ...over
})

export const stateOf = (replicas: number, over: Partial<TargetState> = {}): TargetState => ({
  specReplicas: replicas,
  statusReplicas: replicas,
  readyReplicas: replicas,
  resourceVersion: "1",
  rollingOut: false,
  ...over
})

export type Values = Readonly<Record<string, number | null | Reading>>

export const observe = (at: number, state: TargetState, values: Values = {}): Observation => ({
  at,
  target: { apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "web" },
  state,
  readings: Object.entries(values).map(([signal, value]) => ({
    signal,
    reading:
      value === null
        ? missing("Unreachable", "connection refused")
        : typeof value === "number"
          ? measured(value, at)
          : value
  })),
  seed: 1
})

export const memoryOf = (policy: Policy, over: Partial<Memory> = {}): Memory => ({
  ...initialMemory(policy, 0),
  ...over
})

export const situationOf = (over: Partial<Situation> = {}): Situation => {
  const policy = over.policy ?? policyOf()
  const observation = over.observation ?? observe(over.at ?? 0, stateOf(over.current ?? 10))
  return {
    policy,
    observation,
    memory: memoryOf(policy),
    at: observation.at,
    current: observation.state.specReplicas,
    blind: false,
    held: false,
    schedules: {},
    ...over
  }
}

export const boundEngines = (policy: Policy): ReadonlyArray<BoundEngine> =>
  policy.engines.map((spec) => Result.getOrThrow(bindEngine(spec)))

/** A workload that follows every decision at once, tick by tick. */
export class Course {
  readonly policy: Policy
  readonly engines: ReadonlyArray<BoundEngine>
  memory: Memory
  replicas: number
  at = 0

  constructor(policy: Policy, replicas: number) {
    this.policy = policy
    this.engines = boundEngines(policy)
    this.memory = initialMemory(policy, 0)
    this.replicas = replicas
  }

  tick(at: number, values: Values, over: Partial<TargetState> = {}): Decision {
    const observation = observe(at, stateOf(this.replicas, over), values)
    const { policy, engines } = this
    const { decision, memory } = play({ policy, engines, observation, memory: this.memory })
    this.memory = memory
    this.at = at
    this.replicas = decision.desired
    return decision
  }
}
