/** Who takes part under which name: the default policy that a workload gets, with what is changed in it, and the rivals. */
import * as Result from "effect/Result"
import type { Workload } from "#workload/Workload"
import { policyRival } from "./policyRival.ts"
import { type PolicyFile, readPolicyFile } from "./policyFile.ts"
import type { MakeRival } from "./Rival.ts"
import { RIVALS, type RivalName, USUAL_TARGET } from "./rivals/index.ts"
import { type Choices, workloadPolicy } from "./workloadPolicy.ts"

export interface Entrant {
  readonly name: string
  readonly title: string
  readonly make: MakeRival
}

/** As an evaluator's init message tells it. */
const initOf = (workload: Workload, goodFraction: number) => ({
  kind: workload.kind,
  limits: { min: workload.minReplicas, max: workload.maxReplicas },
  slo:
    workload.kind === "http"
      ? { target: goodFraction, latencyMs: 1000 * workload.objectiveSeconds }
      : { target: goodFraction, drainSeconds: workload.objectiveSeconds },
  startupSecondsHint: workload.startupSeconds
})

export const GOOD_FRACTION = 0.99

export interface Own extends Choices {
  readonly goodFraction?: number
}

/** The policy that somebody would write for a workload who tunes nothing. */
export const ownPolicy = (workload: Workload, { goodFraction = GOOD_FRACTION, ...choices }: Own = {}): string =>
  workloadPolicy(initOf(workload, goodFraction), choices)

/** Never refused: it is ours, and the same for every workload but for its numbers. */
export const ownFile = (workload: Workload, own: Own = {}): PolicyFile =>
  Result.getOrThrowWith(readPolicyFile("the default policy", ownPolicy(workload, own), undefined), (why) => why)

export const ownEntrant = (name: string, title: string, own: Own = {}): Entrant => ({
  name,
  title,
  make: (load) => policyRival(ownFile(load.workload, own))(load)
})

export const rivalEntrant = (name: RivalName, target = USUAL_TARGET): Entrant => ({
  name: target === USUAL_TARGET ? name : `${name}:${target}`,
  title: RIVALS[name].title,
  make: RIVALS[name].make(target)
})

/** Whom everybody is compared with. */
export const USUAL_RIVALS: ReadonlyArray<RivalName> = ["hpa", "keda", "kedaFast", "kpa"]
