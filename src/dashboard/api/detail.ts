/** One policy in full: how it stands, what it is made of, and what its engines have learned. */
import { enginesFor } from "#dashboard/api/asWished"
import { leadershipOf, rowOf } from "#dashboard/api/fleet"
import { costOf, forecastOf, heldOf } from "#dashboard/api/history"
import type { Leadership } from "#dashboard/Operations"
import type { PolicyView } from "#operator/Ledger"
import type { DecisionRecord } from "#schemas/Decision"
import type { Limits, Objectives, Policy, ScalingRules } from "#schemas/Policy"
import type * as shapes from "./shapes.ts"

interface Fact {
  readonly name: string
  readonly value: string
}

const seconds = (count: number): string => (count >= 120 && count % 60 === 0 ? `${count / 60} min` : `${count} s`)

const rulesText = ({ policies, selectPolicy, stabilizationSeconds }: ScalingRules): string =>
  selectPolicy === "Disabled"
    ? "never"
    : [
        ...(stabilizationSeconds > 0 ? [`stabilized over ${seconds(stabilizationSeconds)}`] : ["at once"]),
        ...policies.map(
          ({ periodSeconds, type, value }) =>
            `${value} ${type === "Percent" ? "%" : value === 1 ? "pod" : "pods"} per ${seconds(periodSeconds)}`
        )
      ].join(", ")

const rateFacts = ({ rates }: Limits): ReadonlyArray<Fact> => {
  switch (rates._tag) {
    case "Behavior":
      return [
        { name: "Up", value: rulesText(rates.scaleUp) },
        { name: "Down", value: rulesText(rates.scaleDown) }
      ]
    case "Absent":
      return [{ name: "Down", value: `stabilized over ${seconds(rates.downSeconds)}` }]
    case "Windows":
      return [
        ...(rates.upSeconds > 0 ? [{ name: "Up", value: `stabilized over ${seconds(rates.upSeconds)}` }] : []),
        ...(rates.downSeconds > 0 ? [{ name: "Down", value: `stabilized over ${seconds(rates.downSeconds)}` }] : [])
      ]
  }
}

const limitFacts = (limits: Limits): ReadonlyArray<Fact> => {
  const { cooldown, step } = limits
  const cooldowns = [
    ...(cooldown.upSeconds > 0 ? [`${seconds(cooldown.upSeconds)} up`] : []),
    ...(cooldown.downSeconds > 0 ? [`${seconds(cooldown.downSeconds)} down`] : [])
  ]
  const steps = [
    ...(step.up === undefined ? [] : [`${step.up} up`]),
    ...(step.down === undefined ? [] : [`${step.down} down`])
  ]
  return [
    ...rateFacts(limits),
    ...(cooldowns.length === 0 ? [] : [{ name: "Cooldown", value: cooldowns.join(", ") }]),
    ...(steps.length === 0 ? [] : [{ name: "Largest step", value: steps.join(", ") }])
  ]
}

const objectiveFacts = ({ cost, errorRate, latency, queue }: Objectives): ReadonlyArray<Fact> => [
  ...(latency === undefined
    ? []
    : [{ name: "Latency", value: `${latency.targetMs} ms for ${Math.round(latency.goodFraction * 1e4) / 100} %` }]),
  ...(errorRate === undefined ? [] : [{ name: "Errors", value: `at most ${errorRate.target}` }]),
  ...(queue === undefined ? [] : [{ name: "Queue", value: `drained within ${seconds(queue.drainSeconds)}` }]),
  ...(cost === undefined
    ? []
    : [{ name: "Budget", value: `${cost.maxMonthlyCost} a month at ${cost.costPerPodPerHour} per pod and hour` }])
]

const factsOf = (policy: Policy): ReadonlyArray<Fact> => [
  { name: "Interval", value: seconds(policy.intervalMillis / 1000) },
  ...objectiveFacts(policy.objectives),
  ...limitFacts(policy.limits),
  ...policy.schedules.map(({ ceiling, end, floor, name, start, timeZone }) => ({
    name: `Schedule ${name}`,
    value: `${start} to ${end} (${timeZone})${floor === undefined ? "" : `, at least ${floor}`}${ceiling === undefined ? "" : `, at most ${ceiling}`}`
  })),
  ...(policy.fallback === undefined
    ? []
    : [
        {
          name: "Fallback",
          value: `at least ${policy.fallback.replicas} after ${seconds(policy.fallback.afterSeconds)} without signals`
        }
      ]),
  ...(policy.actuation._tag === "HPAFloor"
    ? [{ name: "Writes", value: `minReplicas of the HPA ${policy.actuation.name}` }]
    : [])
]

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const rounded = (value: number): string => String(Math.round(value * 1000) / 1000)

/** Of an engine's memory, which is its own: what is not there, or is something else now, is not told. */
const learningOf = (view: PolicyView, newest: DecisionRecord | undefined): typeof shapes.Learning.Type | undefined => {
  const memory = newest?.memory.engines["qlearning"]
  const averageReward = view.status.metrics?.averageReward
  if (!isObject(memory) && averageReward === undefined) return undefined
  const known = isObject(memory) ? memory : {}
  const gate = isObject(known["gate"]) ? known["gate"] : {}
  const last = isObject(known["last"]) ? known["last"] : {}
  const number = (of: Readonly<Record<string, unknown>>, name: string) =>
    typeof of[name] === "number" ? of[name] : undefined
  // Sums of nothing are no estimate.
  const isValued = (number(gate, "valued") ?? 0) > 0
  const beside = (what: string): string | undefined => {
    if (!isValued) return undefined
    const [ours, theirs] = [gate["chosen"], gate["done"]].map((each) =>
      isObject(each) ? number(each, what) : undefined
    )
    return ours === undefined || theirs === undefined ? undefined : `${rounded(ours)} / ${rounded(theirs)}`
  }
  const facts: ReadonlyArray<readonly [string, string | number | undefined]> = [
    ["State", typeof last["state"] === "string" ? last["state"] : undefined],
    ["Last reward", number(known, "reward")],
    ["Harm, its own / baseline, estimated", beside("harm")],
    ["Cost, its own / baseline, estimated", beside("cost")],
    ["Valued choices", number(gate, "valued")],
    ["Demotions", number(gate, "demotions")]
  ]
  const epsilon = number(known, "epsilon")
  const transitions = number(known, "transitions")
  return {
    ...(epsilon === undefined ? {} : { epsilon }),
    ...(transitions === undefined ? {} : { transitions }),
    ...(averageReward === undefined ? {} : { averageReward }),
    ...(typeof gate["steering"] === "boolean" ? { steering: gate["steering"] } : {}),
    facts: facts.flatMap(([name, value]) =>
      value === undefined ? [] : [{ name, value: typeof value === "number" ? rounded(value) : value }]
    )
  }
}

export interface DetailInput {
  readonly view: PolicyView
  readonly leadership: Leadership
  /** Newest first. */
  readonly records: ReadonlyArray<DecisionRecord>
  readonly at: number
  readonly modeCanBeSet: boolean
}

export const detailOf = ({ at, leadership, modeCanBeSet, records, view }: DetailInput): shapes.Detail => {
  const { policy, status } = view
  const held = heldOf(records, undefined)
  const cost = held === undefined ? undefined : costOf(held, policy)
  const forecast = held === undefined ? undefined : forecastOf(held, policy)
  const learning = learningOf(view, records[0])
  const metrics = status.metrics
  return {
    row: rowOf(view, records),
    leadership: leadershipOf(leadership),
    at,
    conditions: view.conditions,
    engines: policy?.engines.map(({ engine }) => engine) ?? [],
    choices: policy === undefined ? [] : enginesFor(policy),
    modeCanBeSet,
    signals: (policy?.signals ?? []).map(({ name, role, source, target }) => ({
      name,
      source,
      ...(role === undefined ? {} : { role }),
      ...(target === undefined ? {} : { target })
    })),
    facts: policy === undefined ? [] : factsOf(policy),
    ...(metrics === undefined
      ? {}
      : {
          metrics: {
            totalDecisions: metrics.totalDecisions,
            successfulDecisions: metrics.successfulDecisions,
            successRate: metrics.successRate
          }
        }),
    ...(forecast === undefined ? {} : { forecast }),
    ...(learning === undefined ? {} : { learning }),
    ...(cost === undefined ? {} : { cost })
  }
}
