/**
 * What a kind is: its names, its wire schema, its columns and rules, and how it becomes the canonical Policy. The
 * manifests, the watch, the RBAC and the offline validation loop over kinds and know nothing else about them.
 */
import type * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Kind, Policy, Refusal } from "#schemas/Policy"

/** Column of `kubectl get`; priority 1 is shown by `-o wide` only. */
export interface Column {
  readonly name: string
  readonly type: "string" | "integer" | "date"
  readonly description: string
  readonly jsonPath: string
  readonly priority?: 1
}

/** A rule in the Common Expression Language, which the API server and the offline validation both evaluate. */
export interface Rule {
  readonly rule: string
  /** Says what to change. */
  readonly message: string
  /** The field that the message is about, below the schema that carries the rule. */
  readonly fieldPath?: string
}

/** What an operator is taken to say where a ScalingPolicy says nothing; from its defaults file. */
export interface PolicyDefaults {
  readonly minReplicas: number
  readonly maxReplicas: number
  readonly targetCpuUtilization: number
  readonly learningRate: number
  readonly discountFactor: number
  readonly epsilonStart: number
  readonly epsilonEnd: number
  readonly epsilonDecay: number
  /** Absent: only a policy with aiConfig has a cooldown of its own accord. */
  readonly cooldownSeconds?: number
}

export const POLICY_DEFAULTS: PolicyDefaults = {
  minReplicas: 1,
  maxReplicas: 50,
  targetCpuUtilization: 70,
  learningRate: 0.1,
  discountFactor: 0.95,
  epsilonStart: 1,
  epsilonEnd: 0.01,
  epsilonDecay: 0.995
}

export interface DecodeSettings {
  readonly allowCrossNamespace: boolean
  /** The operator's own Prometheus; without it a signal that names none cannot be read. */
  readonly prometheusUrl?: string
  readonly defaults: PolicyDefaults
}

export const DECODE_SETTINGS: DecodeSettings = { allowCrossNamespace: false, defaults: POLICY_DEFAULTS }

export interface CrdKind {
  readonly kind: Kind
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly singular: string
  readonly shortNames: ReadonlyArray<string>
  readonly categories: ReadonlyArray<string>
  readonly description: string
  /** The spec, as it stands on the wire; the status is schemas/Status for every kind. */
  readonly wire: Schema.Constraint
  readonly columns: ReadonlyArray<Column>
  /** Rules over the whole spec; rules of a part are annotations of that part. */
  readonly rules: ReadonlyArray<Rule>
  /** A whole object, as the API server gives it or as a file has it, with every default resolved. */
  readonly decode: (object: unknown, settings: DecodeSettings) => Result.Result<Policy, ReadonlyArray<Refusal>>
}

/** The category of all kinds: `kubectl get scalers`. */
export const CATEGORY = "scalers"

/** The same columns on every kind; only the bounds are called differently. */
export const columnsOf = (bounds: { readonly min: string; readonly max: string }): ReadonlyArray<Column> => [
  { name: "Target", type: "string", description: "The workload that is scaled.", jsonPath: ".status.target" },
  { name: "Mode", type: "string", description: "Active, Recommend or Paused.", jsonPath: ".spec.mode" },
  { name: "Min", type: "integer", description: "Smallest number of replicas.", jsonPath: bounds.min },
  { name: "Max", type: "integer", description: "Largest number of replicas.", jsonPath: bounds.max },
  { name: "Current", type: "integer", description: "Replicas now.", jsonPath: ".status.currentReplicas" },
  { name: "Desired", type: "integer", description: "Replicas decided.", jsonPath: ".status.targetReplicas" },
  {
    name: "Ready",
    type: "string",
    description: "Whether the policy can be run.",
    jsonPath: '.status.conditions[?(@.type=="Ready")].status'
  },
  { name: "Age", type: "date", description: "When the object was made.", jsonPath: ".metadata.creationTimestamp" },
  { name: "Phase", type: "string", description: "Where the policy stands.", jsonPath: ".status.phase", priority: 1 },
  {
    name: "Reason",
    type: "string",
    description: "Why it is ready or not.",
    jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
    priority: 1
  },
  {
    name: "Last scale",
    type: "date",
    description: "When the target was last scaled.",
    jsonPath: ".status.lastScalingTime",
    priority: 1
  }
]
