/**
 * The hours that are held, played again under another policy by the same `decide`. What was asked of the workload is
 * reconstructed from what was read, and held; what a reading would have been with other replicas follows from its
 * meaning, and each such assumption is told with the answer.
 */
import type { Decision, DecisionRecord } from "#schemas/Decision"
import type { Observation, SignalReading, TargetState } from "#schemas/Observation"
import type { Policy, Role, Signal } from "#schemas/Policy"
import type { Measured, Millis, PodSample, Reading } from "#schemas/Reading"
import type { BoundEngine } from "./Engine.ts"
import { carryOver } from "./memory.ts"
import { play } from "./play.ts"

export interface WhatIfPoint {
  readonly at: Millis
  /** What there was. */
  readonly recorded: number
  /** What there would have been when it was decided. */
  readonly replicas: number
  readonly decision: Decision
}

export interface WhatIf {
  readonly points: ReadonlyArray<WhatIfPoint>
  readonly assumptions: ReadonlyArray<string>
}

const STARTUP_SECONDS = 30

/** How a reading follows the replicas: Shared is spread over the pods that are ready, Held does not follow them. */
type Bearing = "Shared" | "Total" | "Held"

const HELD: ReadonlySet<Role> = new Set(["latency", "errorRate", "badFraction", "backlog", "age"])

const bearingOf = ({ role, source, target }: Signal): Bearing => {
  if (role === "utilization" || role === "concurrency" || source === "resource") return "Shared"
  if (role !== undefined && HELD.has(role)) return "Held"
  if (target?.type === "Utilization" || target?.type === "Value") return "Shared"
  return "Total"
}

const TOLD: Readonly<Record<Bearing, (names: string) => string>> = {
  Shared: (names) => `${names}: the sum over the ready pods is held, and spread over those that there would have been.`,
  Total: (names) => `${names}: what came in does not depend on the replicas, and is held as it was read.`,
  Held: (names) =>
    `${names}: held as it was read. With fewer pods it would have been worse and with more better; that is not reckoned here.`
}

const BEARINGS: ReadonlyArray<Bearing> = ["Total", "Shared", "Held"]

const assumptionsOf = (policy: Policy, startupSeconds: number): ReadonlyArray<string> => [
  ...BEARINGS.flatMap((bearing) => {
    const names = policy.signals.filter((signal) => bearingOf(signal) === bearing).map(({ name }) => name)
    return names.length === 0 ? [] : [TOLD[bearing](names.join(", "))]
  }),
  `A new pod is ready after ${startupSeconds} s, and every change is written at once.`,
  "Replicas that somebody else set are left out."
]

/** As many ready pods as there would have been, each with its share of what all of them used. */
const sharePods = (pods: ReadonlyArray<PodSample>, ready: number): ReadonlyArray<PodSample> | undefined => {
  const measured = pods.filter(({ usageMilli }) => usageMilli !== undefined)
  const [example] = measured.filter((pod) => pod.ready === true)
  if (example === undefined) return undefined
  const total = measured.reduce((sum, { usageMilli = 0 }) => sum + usageMilli, 0)
  const usageMilli = Math.round(total / ready)
  return Array.from({ length: ready }, (_, index) => ({ ...example, name: `${example.name}-${index}`, usageMilli }))
}

const share = (reading: Measured, from: number, to: number): Reading => {
  const value = (reading.value * from) / to
  const pods = reading.pods === undefined ? undefined : sharePods(reading.pods, to)
  return { ...reading, value, ...(pods === undefined ? {} : { pods }) }
}

const readAgain = (policy: Policy, { readings, state }: Observation, ready: number): ReadonlyArray<SignalReading> =>
  readings.map((each) => {
    const signal = policy.signals.find(({ name }) => name === each.signal)
    if (signal === undefined || each.reading._tag !== "Measured" || bearingOf(signal) !== "Shared") return each
    if (state.readyReplicas === 0 || ready === 0) return each
    return { signal: each.signal, reading: share(each.reading, state.readyReplicas, ready) }
  })

/** Pods by when they are ready, the oldest first. */
class Pods {
  #readyAt: ReadonlyArray<Millis>

  constructor({ readyReplicas, specReplicas }: TargetState, othersAt: Millis) {
    this.#readyAt = Array.from({ length: specReplicas }, (_, index) =>
      index < readyReplicas ? Number.NEGATIVE_INFINITY : othersAt
    )
  }

  ready(at: Millis): number {
    return this.#readyAt.filter((each) => each <= at).length
  }

  scale(to: number, readyAt: Millis): void {
    const more = Array.from({ length: Math.max(0, to - this.#readyAt.length) }, () => readyAt)
    this.#readyAt = [...this.#readyAt.slice(0, to), ...more]
  }
}

/** `records`: of one target, the oldest first. */
export const whatIf = (
  policy: Policy,
  engines: ReadonlyArray<BoundEngine>,
  records: ReadonlyArray<DecisionRecord>
): WhatIf => {
  const startupSeconds = policy.objectives.startupSeconds ?? STARTUP_SECONDS
  const assumptions = assumptionsOf(policy, startupSeconds)
  const [first] = records
  if (first === undefined) return { points: [], assumptions }
  const pods = new Pods(first.observation.state, first.observation.at + startupSeconds * 1000)
  let { memory } = carryOver(first.memory, policy)
  let replicas = first.observation.state.specReplicas
  const points = records.map(({ observation }): WhatIfPoint => {
    const { at, state } = observation
    const same = replicas === state.specReplicas
    const ready = pods.ready(at)
    const seen: Observation = same
      ? observation
      : {
          ...observation,
          state: { ...state, specReplicas: replicas, statusReplicas: replicas, readyReplicas: ready },
          readings: readAgain(policy, observation, ready)
        }
    const before = replicas
    const played = play({ policy, engines, observation: seen, memory })
    memory = played.memory
    replicas = played.decision.desired
    if (replicas !== before) pods.scale(replicas, at + startupSeconds * 1000)
    return { at, recorded: state.specReplicas, replicas: before, decision: played.decision }
  })
  return { points, assumptions }
}
