/**
 * The conditions of a policy: one question each, answered with a stable reason for programs and a sentence for
 * people that says what to do. A condition's time moves only when its status does.
 */
import { steers } from "#domain/arbitrate"
import { failingMillis } from "#domain/freeze"
import type { DecisionRecord } from "#schemas/Decision"
import { affordablePods } from "#schemas/budget"
import type { Refusal } from "#schemas/Policy"
import type { Condition, ConditionType } from "#schemas/Status"
import type { Reading } from "#schemas/Reading"
import { secondTime } from "#services/kubernetesTime"
import { type Facts, nameOf, type TargetFacts } from "#operator/Facts"
import { pauseOf } from "#operator/phase"

/** An answer before it is known since when it holds. */
export interface Answer {
  readonly type: ConditionType
  readonly status: Condition["status"]
  readonly reason: string
  readonly message: string
}

export const answersOf = (facts: Facts): ReadonlyArray<Answer> => [
  ready(facts),
  metricsAvailable(facts),
  scalingActive(facts),
  scalingLimited(facts),
  conflict(facts),
  ...budgetExceeded(facts),
  ...sloObserved(facts),
  degraded(facts)
]

/** Keeps the time of every condition whose status is what it was. */
export const conditionsOf = (facts: Facts, before: ReadonlyArray<Condition>): ReadonlyArray<Condition> =>
  answersOf(facts).map((answer) => {
    const last = before.find(({ type }) => type === answer.type)
    return {
      ...answer,
      observedGeneration: facts.ref.generation,
      lastTransitionTime: last?.status === answer.status ? last.lastTransitionTime : secondTime(facts.at)
    }
  })

const answer = (type: ConditionType, status: Answer["status"], reason: string, message: string): Answer => ({
  type,
  status,
  reason,
  message: message.length > MESSAGE_MAX ? `${message.slice(0, MESSAGE_MAX - 1)}…` : message
})

const MESSAGE_MAX = 1024
const NOT_YET = "The first tick has not ended yet."

const recordsOf = (facts: Facts): ReadonlyArray<DecisionRecord> =>
  facts.targets.flatMap(({ record }) => (record === undefined ? [] : [record]))

const each = <A>(items: ReadonlyArray<A>, text: (item: A) => string): string => items.map(text).join(" ")

const ready = (facts: Facts): Answer => {
  const [refusal] = facts.refusals
  if (refusal !== undefined) {
    return answer("Ready", "False", refusal.reason, each(facts.refusals, refused))
  }
  const trouble = facts.troubles.find(({ lasting }) => lasting) ?? facts.troubles[0]
  if (trouble !== undefined) {
    const all = each(facts.troubles, ({ message }) => message)
    return answer("Ready", trouble.lasting ? "False" : "Unknown", trouble.reason, all)
  }
  const lasting = refusedOf(facts)
  if (lasting !== undefined) return answer("Ready", "False", lasting.reason, lasting.message)
  if (recordsOf(facts).length === 0) return answer("Ready", "Unknown", "Initializing", NOT_YET)
  const names = facts.targets.map(({ target }) => nameOf(target)).join(", ")
  return answer("Ready", "True", "PolicyActive", `The policy is in force for ${names}.`)
}

const refused = ({ message, path }: Refusal): string => (message.includes(path) ? message : `${path}: ${message}`)

/** Nothing was decided so far: it is early, or there is what keeps the policy from being ready. */
const undecided = (type: ConditionType, facts: Facts): Answer => ({ ...ready(facts), type, status: "Unknown" })

/** A refusal that no later tick will heal by itself. */
const refusedOf = (facts: Facts) => {
  for (const { outcome } of recordsOf(facts)) {
    if (outcome._tag === "Refused" && LASTING.has(outcome.reason)) return outcome
  }
  return undefined
}

const LASTING: ReadonlySet<string> = new Set(["Forbidden", "Unauthorized", "Invalid", "NotFound"])

const whyOf = (reading: Reading): string => (reading._tag === "Missing" ? reading.why : reading._tag)

const metricsAvailable = (facts: Facts): Answer => {
  const records = recordsOf(facts)
  if (records.length === 0) return undecided("MetricsAvailable", facts)
  const absent = records.flatMap(({ observation }) =>
    observation.readings.flatMap(({ reading, signal }) => (reading._tag === "Measured" ? [] : [{ reading, signal }]))
  )
  const [first] = absent
  if (first === undefined) return answer("MetricsAvailable", "True", "AllMeasured", "Every signal was read.")
  const details = each(absent, ({ reading, signal }) => `${signal}: ${reading.detail}`)
  const { policy } = facts
  const holds = policy?.signals.some(
    (each) => steers(policy, each) && absent.some(({ signal }) => signal === each.name)
  )
  const meanwhile = holds === true ? "Nothing is scaled down meanwhile. " : ""
  return answer("MetricsAvailable", "False", whyOf(first.reading), `${meanwhile}${details}`)
}

const scalingActive = (facts: Facts): Answer => {
  const no = (reason: string, message: string) => answer("ScalingActive", "False", reason, message)
  const notReady = ready(facts)
  if (notReady.status === "False") return no(notReady.reason, notReady.message)
  const paused = pauseOf(facts)
  if (paused !== undefined) return no(paused.reason, paused.message)
  const records = recordsOf(facts)
  if (records.length === 0) return answer("ScalingActive", "Unknown", "Initializing", NOT_YET)
  const withheld = records.find(({ outcome }) => outcome._tag === "Withheld")?.outcome
  if (withheld?._tag === "Withheld") return no(withheld.why, withheld.message)
  const failed = records.find(({ outcome }) => outcome._tag === "Refused" || outcome._tag === "Unknown")?.outcome
  if (failed?._tag === "Refused") return no(failed.reason, failed.message)
  if (failed?._tag === "Unknown") return no("OutcomeUnknown", failed.message)
  if (records.every(({ decision }) => decision.recommended === undefined)) {
    return no(
      "NoProposal",
      each(records, ({ decision }) => decision.reason)
    )
  }
  const notBuilt = facts.findings.filter(({ reason }) => reason === "NotBuilt")
  const reasons = each(records, ({ decision }) => decision.reason)
  return notBuilt.length === 0
    ? answer("ScalingActive", "True", "Proposing", reasons)
    : answer("ScalingActive", "True", "BaselineSteers", `${each(notBuilt, ({ message }) => message)} ${reasons}`)
}

const scalingLimited = (facts: Facts): Answer => {
  const records = recordsOf(facts)
  if (records.length === 0) return undecided("ScalingLimited", facts)
  const limited = records.filter(({ decision }) => decision.limitedBy.length > 0)
  const last = limited[0]?.decision.limitedBy.at(-1)
  if (last === undefined) {
    return answer("ScalingLimited", "False", "DesiredWithinRange", "What was proposed is what is wanted.")
  }
  const steps = each(limited, ({ decision }) => each(decision.steps, ({ reason }) => reason))
  return answer("ScalingLimited", "True", last, steps)
}

const conflict = (facts: Facts): Answer => {
  const found = recordsOf(facts).flatMap(({ observation }) => observation.state.conflict ?? [])
  const [first] = found
  return first === undefined
    ? answer("Conflict", "False", "NoConflict", "Nobody else scales the target.")
    : answer(
        "Conflict",
        "True",
        first.reason,
        each(found, ({ message }) => message)
      )
}

const budgetExceeded = (facts: Facts): ReadonlyArray<Answer> => {
  const cost = facts.policy?.objectives.cost
  if (cost === undefined) return []
  const cap = affordablePods(cost)
  const over = recordsOf(facts).filter(
    ({ decision, observation }) => Math.max(decision.desired, observation.state.specReplicas) > cap
  )
  const affordable = `${cost.maxMonthlyCost} a month pays for ${cap} replicas`
  if (over.length === 0) return [answer("BudgetExceeded", "False", "WithinBudget", `${affordable}.`)]
  const wanted = over.map(
    ({ decision, observation }) =>
      `${nameOf(observation.target)} has ${observation.state.specReplicas} and is to have ${decision.desired}`
  )
  const least = facts.policy?.bounds.min ?? 0
  return least > cap
    ? [answer("BudgetExceeded", "True", "BudgetBelowMinimum", `${affordable}, and minReplicas ${least} wins over it.`)]
    : [answer("BudgetExceeded", "True", "OverBudget", `${affordable}; ${wanted.join("; ")}.`)]
}

const sloObserved = (facts: Facts): ReadonlyArray<Answer> => {
  const unset = facts.findings.filter(({ reason }) => reason === "SLONotConfigured")
  if (unset.length > 0) {
    return [
      answer(
        "SLOObserved",
        "False",
        "NotConfigured",
        each(unset, ({ message }) => message)
      )
    ]
  }
  const { errorRate, latency } = facts.policy?.objectives ?? {}
  const names = [latency?.signal, errorRate?.signal].filter((name) => name !== undefined)
  if (names.length === 0) return []
  const records = recordsOf(facts)
  if (records.length === 0) return [undecided("SLOObserved", facts)]
  const lost = records.flatMap(({ observation }) =>
    observation.readings.flatMap(({ reading, signal }) =>
      names.includes(signal) && reading._tag !== "Measured" ? [{ reading, signal }] : []
    )
  )
  const [first] = lost
  return first === undefined
    ? [answer("SLOObserved", "True", "Observed", "The objectives' own signals were read.")]
    : [
        answer(
          "SLOObserved",
          "False",
          whyOf(first.reading),
          each(lost, ({ reading, signal }) => `${signal}: ${reading.detail}`)
        )
      ]
}

const degraded = (facts: Facts): Answer => {
  const yes = (reason: string, message: string) => answer("Degraded", "True", reason, message)
  const { crash } = facts
  if (crash !== undefined) {
    const times = crash.count === 1 ? "once" : `${crash.count} times in a row`
    return yes(
      "ActorCrashed",
      `The policy's actor crashed ${times} and was started again: ${crash.message} Others are not affected. Please report it.`
    )
  }
  const blocked = facts.targets.filter(({ memory }) => (memory.downBlockedUntil ?? 0) > facts.at)
  if (blocked.length > 0) return yes("RolledBack", each(blocked, rolledBack))
  const { policy } = facts
  const failing =
    policy === undefined
      ? []
      : recordsOf(facts).filter(({ observation }) => failingMillis(policy, observation) !== undefined)
  if (failing.length > 0) {
    const holds = policy?.safety.freezeOnFailingPods === true ? " None are added meanwhile." : ""
    return yes(
      "PodsFailing",
      each(
        failing,
        ({ observation: { state, target } }) =>
          `New pods of ${nameOf(target)} have not started since ${secondTime(state.failingPodsSince ?? 0)}. Look at their events.${holds}`
      )
    )
  }
  return answer("Degraded", "False", "Healthy", "Nothing is wrong with the policy's actor or its target.")
}

const rolledBack = ({ memory, target }: TargetFacts): string =>
  `A step down of ${nameOf(target)} broke an objective and was taken back; none follows before ${secondTime(memory.downBlockedUntil ?? 0)}.`
