/** A history and a policy as a comparison: the model that stands for the pods, and who takes part. */
import * as Result from "effect/Result"
import type { Policy } from "#schemas/Policy"
import type { Scenario } from "#workload/Load"
import { trafficOf } from "#workload/trace"
import { capacityOf, PLANTS, WEB, type Workload } from "#workload/Workload"
import { type Entrant, GOOD_FRACTION, rivalEntrant } from "../entrants.ts"
import { measureOf } from "../measures.ts"
import { type PolicyFile, readPolicyFile } from "../policyFile.ts"
import { policyRival } from "../policyRival.ts"
import type { RivalName } from "../rivals/index.ts"
import type { Remembered } from "./history.ts"
import { type Demand, reconstruct } from "./reconstruct.ts"
import { following, recordedOf } from "./recorded.ts"
import { suggested } from "./suggest.ts"

/** What is known of the pods beyond the history. */
export interface Known {
  readonly workers: number | undefined
  readonly serviceMs: number | undefined
  readonly startupSeconds: number | undefined
  readonly sloMs: number | undefined
  readonly drainSeconds: number | undefined
  readonly rivals: ReadonlyArray<RivalName>
}

export interface Replay {
  readonly scenario: Scenario
  readonly entrants: ReadonlyArray<Entrant>
  readonly notes: ReadonlyArray<string>
  readonly goodFraction: number
  /** YAML; undefined where none can be made of this policy. */
  readonly suggestion: string | undefined
}

const rounded = (value: number): string => String(Number(value.toPrecision(3)))

const isQueue = ({ objectives, signals }: Policy): boolean =>
  objectives.queue !== undefined ||
  (objectives.latency === undefined &&
    signals.some((signal) => signal.target !== undefined && measureOf(signal).field === "queueLength"))

/** A part of the objective that leaves room to wait. */
const SERVICE_SHARE = 0.2

/** Workers and service time of a pod that serves so much. */
const podOf = (perPod: number, objectiveSeconds: number, { serviceMs, workers }: Known, usual: Workload) => {
  if (workers !== undefined)
    return { workers, serviceSeconds: serviceMs === undefined ? workers / perPod : serviceMs / 1000 }
  const guess =
    serviceMs === undefined ? Math.min(usual.serviceSeconds, SERVICE_SHARE * objectiveSeconds) : serviceMs / 1000
  const whole = Math.max(1, Math.round(perPod * guess))
  return { workers: whole, serviceSeconds: whole / perPod }
}

const usualOf = ({ bounds, objectives, ...policy }: Policy, known: Known): Workload => {
  const plant = isQueue({ bounds, objectives, ...policy }) ? { ...WEB, ...PLANTS["queue"] } : WEB
  const told = plant.kind === "queue" ? known.drainSeconds : known.sloMs === undefined ? undefined : known.sloMs / 1000
  const promised =
    plant.kind === "queue" ? objectives.queue?.drainSeconds : objectives.latency && objectives.latency.targetMs / 1000
  const objectiveSeconds = told ?? promised ?? plant.objectiveSeconds
  return {
    ...plant,
    objectiveSeconds,
    timeoutSeconds: Math.max(plant.timeoutSeconds, objectiveSeconds),
    startupSeconds: known.startupSeconds ?? objectives.startupSeconds ?? plant.startupSeconds,
    minReplicas: bounds.min,
    maxReplicas: bounds.max
  }
}

const nominalOf = (usual: Workload, { serviceMs, workers }: Known): number =>
  (workers ?? usual.workers) / (serviceMs === undefined ? usual.serviceSeconds : serviceMs / 1000)

const podNote = (workload: Workload, { perPod }: Demand): string => {
  const pod = `${workload.workers} at once for ${rounded(1000 * workload.serviceSeconds)} ms each, ready after about ${rounded(workload.startupSeconds)} s`
  const serves = rounded(capacityOf(workload))
  return perPod === undefined
    ? `Unknown: what a pod serves. It is taken to be ${serves} per second (${pod}); --workers, --service-ms and --startup say otherwise.`
    : `A pod is taken to serve ${serves} per second, as it did on average while it was busy (${pod}).`
}

/** Of what was promised, in the shape of a ScalingPolicy. */
const objectivesFor = (workload: Workload, goodFraction: number): object => ({
  ...(workload.kind === "queue"
    ? { queue: { drainSeconds: workload.objectiveSeconds } }
    : { latency: { targetMs: Math.round(1000 * workload.objectiveSeconds), goodFraction } }),
  startupSeconds: workload.startupSeconds
})

const ROOM = 1.5

const peakPods = ({ rates }: Demand, workload: Workload): number =>
  Math.ceil(rates.reduce((most, rate) => Math.max(most, rate), 0) / capacityOf(workload))

/** The failure says what the history lacks, or what to say besides. */
export const replayOf = (file: PolicyFile, remembered: Remembered, known: Known): Result.Result<Replay, string> => {
  const { policy } = file
  const { workers = 1 } = known
  if (!Number.isInteger(workers)) return Result.fail(`--workers must be a whole number, and is ${workers}.`)
  const usual = usualOf(policy, known)
  return Result.flatMap(reconstruct(policy, remembered, nominalOf(usual, known)), (demand) => {
    const perPod = demand.perPod ?? nominalOf(usual, known)
    const workload: Workload = {
      ...usual,
      ...podOf(perPod, usual.objectiveSeconds, known, usual),
      lost: { share: 0, blackouts: demand.gaps }
    }
    if (workload.kind === "http" && workload.serviceSeconds >= workload.objectiveSeconds) {
      return Result.fail(
        `A pod that serves ${rounded(perPod)} per second takes longer for each than the ${rounded(1000 * workload.objectiveSeconds)} ms that are promised. Say how it works with --workers and --service-ms, or promise more with --slo-ms.`
      )
    }
    const goodFraction = policy.objectives.latency?.goodFraction ?? GOOD_FRACTION
    const { from: _, stepMillis, steps } = remembered.grid
    const bucketSeconds = stepMillis / 1000
    const times = Float64Array.from({ length: steps }, (_, step) => step * bucketSeconds)
    const scenario: Scenario = {
      name: policy.ref.name,
      workload,
      seconds: steps * bucketSeconds,
      traffic: trafficOf({ times, rates: demand.rates, bucketSeconds, seconds: steps * bucketSeconds })
    }
    const peak = peakPods(demand, workload)
    const maxReplicas = Math.max(policy.bounds.max, Math.ceil(ROOM * peak))
    const suggestion = suggested(policy, {
      minReplicas: policy.bounds.min,
      maxReplicas,
      objectives: objectivesFor(workload, goodFraction)
    })
    const better = readPolicyFile("the suggestion", suggestion, undefined)
    const recorded = recordedOf(remembered)
    return Result.succeed({
      // The policy keeps its own bounds; others may show what more would have been worth.
      scenario: { ...scenario, workload: { ...workload, maxReplicas } },
      goodFraction,
      suggestion: Result.isSuccess(better) ? suggestion : undefined,
      notes: [
        ...demand.notes,
        podNote(workload, demand),
        ...(recorded === undefined ? ["Unknown: how many replicas there were; nobody recorded them."] : []),
        ...(peak > policy.bounds.max
          ? [
              `The peak keeps ${peak} pods busy, and the policy allows ${policy.bounds.max}. Others are played with up to ${maxReplicas}.`
            ]
          : [])
      ],
      entrants: [
        { name: "policy", title: policy.ref.name, make: policyRival(file) },
        ...(Result.isSuccess(better)
          ? [{ name: "suggested", title: "Suggested", make: policyRival(better.success) }]
          : []),
        ...(recorded === undefined
          ? []
          : [{ name: "recorded", title: recorded.title, make: following(recorded, remembered.grid) }]),
        ...known.rivals.map((rival) => rivalEntrant(rival))
      ]
    })
  })
}
