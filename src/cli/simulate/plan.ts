/** What is simulated, of what was said and of what the policy says; and in sentences, what had to be assumed. */
import * as Result from "effect/Result"
import { type Entrant, GOOD_FRACTION, ownEntrant, rivalEntrant, USUAL_RIVALS } from "#judge/entrants"
import { measureOf } from "#judge/measures"
import type { PolicyFile } from "#judge/policyFile"
import { policyRival } from "#judge/policyRival"
import type { RivalName } from "#judge/rivals/index"
import { patternScenario } from "#judge/scenarios"
import type { Policy } from "#schemas/Policy"
import type { Scenario } from "#workload/Load"
import { gapSeconds, type Trace, trafficOf } from "#workload/trace"
import { capacityOf, PLANTS, WEB, type Workload } from "#workload/Workload"

export interface Said {
  readonly plant: string | undefined
  readonly workers: number | undefined
  readonly serviceMs: number | undefined
  readonly startupSeconds: number | undefined
  readonly sloMs: number | undefined
  readonly drainSeconds: number | undefined
  readonly good: number | undefined
  readonly minReplicas: number | undefined
  readonly maxReplicas: number | undefined
  readonly lostPercent: number
  readonly rate: number | undefined
  readonly hours: number | undefined
  readonly seed: number
  readonly rivals: ReadonlyArray<RivalName>
}

/** What comes over it: a name and a pattern's text, or a trace with the name of its file. */
export type Over =
  | { readonly _tag: "Pattern"; readonly text: string }
  | { readonly _tag: "Trace"; readonly name: string; readonly trace: Trace }

export interface SimulationPlan {
  readonly title: string
  readonly notes: ReadonlyArray<string>
  readonly scenario: Scenario
  readonly entrants: ReadonlyArray<Entrant>
  readonly goodFraction: number
}

const HOURS_USUAL = 6
const HOURS_MAX = 7 * 24
const SECONDS_MIN = 60

const isQueuePolicy = ({ objectives, signals }: Policy): boolean =>
  objectives.queue !== undefined ||
  (objectives.latency === undefined &&
    signals.some((signal) => signal.target !== undefined && measureOf(signal).field === "queueLength"))

const plantNameOf = (said: Said, policy: Policy | undefined): string => {
  if (said.plant !== undefined) return said.plant
  const isQueue = said.drainSeconds !== undefined || (policy !== undefined && isQueuePolicy(policy))
  return isQueue && said.sloMs === undefined ? "queue" : "web"
}

/** Of what a pod is to carry there is room above. */
const TARGET_SHARE = 0.7

/** What the policy wants each pod to carry, in requests per second. */
const targetOf = ({ signals }: Policy): number | undefined => {
  const found = signals.find((signal) => {
    const { field, perPod } = measureOf(signal)
    return field === "rps" && (perPod || signal.target?.type === "AverageValue")
  })
  return found?.target === undefined ? undefined : found.target.milli / 1000
}

/** Nobody said what a pod serves, but the policy says what it is to carry: then it can carry that. */
const podOf = (said: Said, policy: Policy | undefined, { serviceSeconds, workers }: Workload) => {
  const isTold = said.plant !== undefined || said.workers !== undefined || said.serviceMs !== undefined
  const target = policy === undefined || isTold ? undefined : targetOf(policy)
  if (target === undefined || target <= 0) {
    return {
      workers: said.workers ?? workers,
      serviceSeconds: said.serviceMs === undefined ? serviceSeconds : said.serviceMs / 1000
    }
  }
  const perPod = target / TARGET_SHARE
  const whole = Math.max(1, Math.round(perPod * serviceSeconds))
  return { workers: whole, serviceSeconds: whole / perPod }
}

const workloadOf = (said: Said, policy: Policy | undefined): Workload => {
  const plant = PLANTS[plantNameOf(said, policy)] ?? WEB
  const { latency, queue, startupSeconds } = policy?.objectives ?? {}
  const told = plant.kind === "queue" ? said.drainSeconds : said.sloMs === undefined ? undefined : said.sloMs / 1000
  const promised = plant.kind === "queue" ? queue?.drainSeconds : latency && latency.targetMs / 1000
  const objectiveSeconds = told ?? promised ?? plant.objectiveSeconds
  return {
    ...plant,
    ...podOf(said, policy, plant),
    startupSeconds: said.startupSeconds ?? startupSeconds ?? plant.startupSeconds,
    objectiveSeconds,
    timeoutSeconds: Math.max(plant.timeoutSeconds, objectiveSeconds),
    minReplicas: said.minReplicas ?? policy?.bounds.min ?? plant.minReplicas,
    maxReplicas: said.maxReplicas ?? policy?.bounds.max ?? plant.maxReplicas,
    lost: { share: said.lostPercent / 100, blackouts: [] }
  }
}

const problemOf = (workload: Workload, said: Said): string | undefined => {
  const { kind, maxReplicas, minReplicas, objectiveSeconds, serviceSeconds } = workload
  if (said.plant !== undefined && !Object.hasOwn(PLANTS, said.plant)) {
    return `There is no plant ${said.plant}: choose one of ${Object.keys(PLANTS).join(", ")}.`
  }
  const positive: ReadonlyArray<readonly [string, number]> = [
    ["--workers", workload.workers],
    ["--service-ms", serviceSeconds],
    ["--startup", workload.startupSeconds],
    ["--slo-ms or --drain", objectiveSeconds],
    ["--rate", said.rate ?? 1],
    ["--hours", said.hours ?? 1],
    ["--max", maxReplicas]
  ]
  const wrong = positive.find(([, value]) => !(value > 0) || !Number.isFinite(value))
  if (wrong !== undefined) return `${wrong[0]} must be more than 0.`
  const whole: ReadonlyArray<readonly [string, number]> = [
    ["--workers", said.workers ?? 1],
    ["--min", minReplicas],
    ["--max", maxReplicas]
  ]
  const broken = whole.find(([, value]) => !Number.isInteger(value))
  if (broken !== undefined) return `${broken[0]} must be a whole number, and is ${broken[1]}.`
  const { hours } = said
  if (hours !== undefined && (hours * 3600 < SECONDS_MIN || hours > HOURS_MAX)) {
    return `--hours is ${hours}: give from 0.02 (a minute) to ${HOURS_MAX}.`
  }
  if (minReplicas < 0 || minReplicas > maxReplicas) {
    return `--min ${minReplicas} and --max ${maxReplicas} leave nothing between them: give --min at least 0 and at most --max.`
  }
  if (said.good !== undefined && !(said.good > 0 && said.good < 1)) {
    return `--good is ${said.good}: give a share between 0 and 1, such as 0.99.`
  }
  if (said.lostPercent < 0 || said.lostPercent > 100)
    return `--lost is ${said.lostPercent}: give percent, from 0 to 100.`
  if (kind === "http" && serviceSeconds >= objectiveSeconds) {
    return `A request takes ${1000 * serviceSeconds} ms by itself and is to be answered within ${1000 * objectiveSeconds} ms: no number of pods can do that. Raise --slo-ms or lower --service-ms.`
  }
  return undefined
}

const rounded = (value: number): string => String(Number(value.toPrecision(3)))

const describe = ({
  kind,
  maxReplicas,
  minReplicas,
  objectiveSeconds,
  serviceSeconds,
  startupSeconds,
  workers
}: Workload) =>
  `A pod works on ${workers} at once for ${rounded(1000 * serviceSeconds)} ms each and is ready after about ${rounded(startupSeconds)} s; ${
    kind === "queue"
      ? `a message is good when its work begins within ${rounded(objectiveSeconds)} s`
      : `an answer is good within ${rounded(1000 * objectiveSeconds)} ms`
  }; ${minReplicas} to ${maxReplicas} pods.`

const assumptionsOf = ({ findings, policy }: PolicyFile): ReadonlyArray<string> => [
  ...policy.signals.flatMap((signal) => {
    const { assumption } = measureOf(signal)
    return assumption === undefined ? [] : [`The signal ${signal.name} is taken to measure ${assumption}.`]
  }),
  ...(policy.mode === "Active" ? [] : [`The policy's mode is ${policy.mode}; here it acts.`]),
  ...(policy.schedules.length === 0 ? [] : ["Its schedules count from a simulated midnight of 1970-01-01 UTC."]),
  ...findings.map(({ message, path }) => `${path}: ${message}`)
]

const peakOf = ({ seconds, traffic, workload }: Scenario): number => {
  let peak = 0
  for (let second = 0; second < seconds; second += 5) peak = Math.max(peak, traffic(second))
  return Math.ceil(peak / capacityOf(workload))
}

const gapsOf = (trace: Trace): ReadonlyArray<string> => {
  const minutes = Math.round(gapSeconds(trace) / 60)
  return minutes === 0
    ? []
    : [`The trace has no lines for ${minutes} min in all; there the rate follows from the lines beside them.`]
}

const scenarioOf = (over: Over, workload: Workload, said: Said): Result.Result<Scenario, string> => {
  const hours = said.hours ?? (over._tag === "Trace" ? HOURS_MAX : HOURS_USUAL)
  if (over._tag === "Pattern") {
    const seconds = Math.round(3600 * hours)
    return Result.mapError(
      patternScenario(over.text, workload, seconds, String(said.seed), said.rate),
      (problem) => `--pattern: ${problem}.`
    )
  }
  const seconds = Math.min(over.trace.seconds, Math.round(3600 * hours))
  if (seconds < SECONDS_MIN)
    return Result.fail(`${over.name} is ${seconds} s long: a minute is the least that says anything.`)
  const mean = over.trace.rates.reduce((sum, rate) => sum + rate, 0) / over.trace.rates.length
  const times = said.rate === undefined || mean <= 0 ? 1 : said.rate / mean
  const traffic = trafficOf(over.trace)
  return Result.succeed({ name: over.name, workload, seconds, traffic: (second) => times * traffic(second) })
}

/** The failure says what to change. */
export const planOf = (said: Said, over: Over, file: PolicyFile | undefined): Result.Result<SimulationPlan, string> => {
  const workload = workloadOf(said, file?.policy)
  const problem = problemOf(workload, said)
  if (problem !== undefined) return Result.fail(problem)
  const goodFraction = said.good ?? file?.policy.objectives.latency?.goodFraction ?? GOOD_FRACTION
  return Result.map(scenarioOf(over, workload, said), (scenario) => {
    const peak = peakOf(scenario)
    const name = file?.policy.ref.name ?? ""
    const own = ownEntrant("auto", file === undefined ? "NimbusGuard" : "NimbusGuard's default", { goodFraction })
    const rivals = said.rivals.map((rival) => rivalEntrant(rival))
    const cut = over._tag === "Trace" && over.trace.seconds > scenario.seconds
    return {
      title: `${rounded(scenario.seconds / 3600)} h of ${scenario.name}, seed ${said.seed}`,
      notes: [
        describe(workload),
        ...(file !== undefined && workload.workers !== (said.workers ?? PLANTS[plantNameOf(said, file.policy)]?.workers)
          ? [
              "What a pod serves follows from what the policy wants it to carry; --workers and --service-ms say otherwise."
            ]
          : []),
        ...(cut ? [`The trace is ${rounded(over.trace.seconds / 3600)} h long; the rest is left out.`] : []),
        ...(over._tag === "Trace" ? gapsOf(over.trace) : []),
        ...(peak > workload.maxReplicas
          ? [
              `The peak keeps ${peak} pods busy, and no more than ${workload.maxReplicas} may run: raise --max or lower --rate.`
            ]
          : []),
        ...(said.rivals.some((rival) => rival.startsWith("keda"))
          ? ["KEDA is told what a pod serves; the others are not."]
          : []),
        ...(file === undefined ? [] : assumptionsOf(file))
      ],
      scenario,
      goodFraction,
      entrants:
        file === undefined
          ? [own, ...rivals]
          : [{ name: "policy", title: name, make: policyRival(file) }, own, ...rivals]
    }
  })
}

export const RIVALS_USUAL: ReadonlyArray<RivalName> = USUAL_RIVALS
