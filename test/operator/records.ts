/** Decision records and policies for tests, complete and small. */
import { initialMemory } from "#domain/memory"
import type { Decision, DecisionRecord, Outcome } from "#schemas/Decision"
import type { Memory } from "#schemas/Memory"
import type { TargetState } from "#schemas/Observation"
import type { Policy, PolicyRef, Target } from "#schemas/Policy"

export const refOf = (uid: string, over: Partial<PolicyRef> = {}): PolicyRef => ({
  kind: "ScalingPolicy",
  apiVersion: "nimbusguard.io/v1",
  namespace: "shop",
  name: uid,
  uid,
  generation: 1,
  createdAt: 0,
  ...over
})

export const deployment = (name: string, namespace = "shop"): Target => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  namespace,
  name
})

export const memory = (at = 0): Memory => ({ ...initialMemory({ engines: [], signals: [] }, at), specHash: "hash" })

export const state = (replicas: number, over: Partial<TargetState> = {}): TargetState => ({
  specReplicas: replicas,
  statusReplicas: replicas,
  readyReplicas: replicas,
  resourceVersion: "1",
  rollingOut: false,
  ...over
})

/** A decision that leaves replicas as they are, of no proposal. */
export const idle = (replicas: number): Decision => ({
  proposals: [],
  steps: [],
  desired: replicas,
  action: "no_action",
  limitedBy: [],
  engine: "target",
  reason: "",
  confidence: 1
})

export const policyOf = (uid: string, over: Partial<Policy> = {}): Policy => ({
  ref: refOf(uid),
  targets: { _tag: "Ref", target: deployment(uid) },
  bounds: { min: 1, max: 10 },
  intervalMillis: 15_000,
  mode: "Active",
  signals: [
    {
      name: "load",
      source: "stub",
      options: {},
      target: { type: "AverageValue", milli: 10_000 },
      role: "demand",
      onEmpty: "Missing",
      onMissing: "Hold",
      worksAtZero: false
    }
  ],
  engines: [{ engine: "target", options: {} }],
  limits: {
    rates: { _tag: "Windows", upSeconds: 0, downSeconds: 0 },
    cooldown: { upSeconds: 0, downSeconds: 0 },
    step: {},
    toleranceMilli: { up: 100, down: 100 }
  },
  objectives: {},
  schedules: [],
  actuation: { _tag: "Scale" },
  safety: { rolloutGuard: false, disruptionFloor: false, rollback: false, freezeOnFailingPods: false },
  findings: [],
  ...over
})

export const makeRecord = (given: {
  readonly uid: string
  readonly id: string
  readonly at: number
  readonly outcome: Outcome
}): DecisionRecord => ({
  version: 1,
  id: given.id,
  policy: refOf(given.uid),
  observation: { at: given.at, target: deployment(given.uid), state: state(2), readings: [], seed: 0 },
  memory: memory(given.at),
  decision: { ...idle(3), recommended: 3, action: "scale_up", reason: "load is 15 of 10 per pod" },
  outcome: given.outcome,
  finishedAt: given.at
})
