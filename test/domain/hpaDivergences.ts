/**
 * Where the product means to differ from the HPA: for each row of the second table of docs/HPA.md one short course, what
 * the HPA makes of it and what we do. Our side is held to it by hpa.test.ts, the HPA's by Kubernetes' own code in
 * test/integration/hpaRace.test.ts. Both are told the same replicas at each tick, whatever they said before.
 */
import { adopt, carryOver, initialMemory, restored } from "#domain/memory"
import { play } from "#domain/play"
import type { TargetState } from "#schemas/Observation"
import type { Policy, Rates } from "#schemas/Policy"
import { measured, type Reading } from "#schemas/Reading"
import { boundEngines, limitsOf, observe, policyOf, rules, signalOf, stateOf } from "./policies.ts"

/** One tick, 15 s after the one before it unless told. */
export interface DivergentTick {
  readonly after?: number
  /** spec.replicas. */
  readonly current: number
  /** Of the one metric. Its target is 10, of all or of each pod. */
  readonly value: number
  /** Where we see something else than the number. */
  readonly reading?: Reading
  readonly state?: Partial<TargetState>
  /** What the HPA sees of the pods, where it is not what we see. */
  readonly seen?: { readonly status: number; readonly ready: number }
  /** The same edit is made to both. */
  readonly edited?: Policy
  /** Both are new processes from here on. */
  readonly restarted?: boolean
  /** Somebody else sets this while we are about to write. */
  readonly overtakenBy?: number
  /** How long the API server takes to answer a write. */
  readonly writeMillis?: number
}

export interface Divergence {
  /** The first cell of the row. */
  readonly row: string
  readonly policy: Policy
  /** Of the HPA, where it is not a whole number of thousandths. */
  readonly tolerance?: string
  /** With the gate HPAScaleToZero. */
  readonly scaleToZero?: boolean
  /** Another HPA's selector matches the same pods. */
  readonly ambiguous?: boolean
  readonly ticks: ReadonlyArray<DivergentTick>
  /** What each makes of the last ticks. */
  readonly hpa: ReadonlyArray<number>
  readonly ours: ReadonlyArray<number>
}

const START = 1_700_000_000_000
const STEP_MILLIS = 15_000

/** When each tick is. */
export const timesOf = ({ ticks }: Divergence): ReadonlyArray<number> => {
  let now = START
  return ticks.map(({ after = STEP_MILLIS }, index) => (now += index === 0 ? 0 : after))
}

const rates = (up: Parameters<typeof rules>[0] = {}, down: Parameters<typeof rules>[0] = {}): Rates => ({
  _tag: "Behavior",
  scaleUp: rules({ policies: [{ type: "Percent", value: 900, periodSeconds: 15 }], ...up }),
  scaleDown: rules(down)
})

const signal = signalOf({ target: { type: "AverageValue", milli: 10_000 } })

/** As soon and as far as the metric says, between 1 and 100. */
const policyWith = (over: Partial<Policy> = {}, behavior: Rates = rates()): Policy =>
  policyOf({
    signals: [signal],
    limits: limitsOf({ rates: behavior }),
    safety: { rolloutGuard: true, disruptionFloor: false, rollback: false, freezeOnFailingPods: true },
    ...over
  })

const free = policyWith()
const toZero = (behavior: Rates): Policy =>
  policyWith({ bounds: { min: 0, max: 100 }, signals: [{ ...signal, worksAtZero: true }] }, behavior)
const podsUp = (value: number, periodSeconds = 15): Rates =>
  rates({ policies: [{ type: "Pods", value, periodSeconds }] })
const downWithin = (stabilizationSeconds: number): Policy => policyWith({}, rates({}, { stabilizationSeconds }))
const upWithinMinute = policyWith({}, rates({ stabilizationSeconds: 60 }))

const OLD: Reading = { _tag: "Stale", value: 40, at: START - 600_000, ageMillis: 600_000, detail: "old" }

/** More recommendations within an hour than are kept, each lower than the one before, so that all of them count. */
const falling = Array.from({ length: 4200 }, (_, index): DivergentTick => {
  return { after: 800, current: 10, value: (9000 - index) * 10 }
})

export const DIVERGENCES: ReadonlyArray<Divergence> = [
  {
    row: "Surge pods",
    policy: free,
    ticks: [{ current: 4, value: 50, state: { statusReplicas: 5, readyReplicas: 5 } }],
    hpa: [5],
    ours: [4]
  },
  { row: "Negative totals", policy: free, ticks: [{ current: 4, value: -10 }], hpa: [40], ours: [1] },
  {
    row: "Numbers beyond 32 bits",
    policy: policyWith({}, podsUp(2_147_483_647)),
    ticks: [{ current: 4, value: 80 }],
    hpa: [4],
    ours: [8]
  },
  {
    row: "During a rollout",
    policy: free,
    ticks: [{ current: 8, value: 40, state: { rollingOut: true } }],
    hpa: [4],
    ours: [8]
  },
  {
    row: "New pods that do not come up",
    policy: free,
    ticks: [{ current: 4, value: 80, state: { failingPodsSince: START - 600_000 } }],
    hpa: [8],
    ours: [4]
  },
  {
    row: "Observed age of a sample",
    policy: free,
    ticks: [{ current: 8, value: 40, reading: OLD }],
    hpa: [4],
    ours: [8]
  },
  {
    row: "From and to zero",
    policy: toZero(rates()),
    scaleToZero: true,
    ticks: [
      { current: 1, value: 0 },
      { current: 0, value: 40 }
    ],
    hpa: [0, 0],
    ours: [0, 1]
  },
  {
    row: "Minimum raised while at zero",
    policy: toZero(podsUp(4)),
    scaleToZero: true,
    ticks: [
      { current: 1, value: 0 },
      { current: 0, value: 40, edited: { ...toZero(podsUp(4)), bounds: { min: 2, max: 100 } } }
    ],
    hpa: [0, 4],
    ours: [0, 2]
  },
  {
    row: "Changed signals or engines",
    policy: upWithinMinute,
    ticks: [
      { current: 4, value: 40 },
      {
        after: 30_000,
        current: 4,
        value: 40,
        edited: { ...upWithinMinute, signals: [{ ...signal, target: { type: "AverageValue", milli: 5000 } }] }
      },
      { after: 45_000, current: 4, value: 40 }
    ],
    hpa: [4, 4, 8],
    ours: [4, 4, 4]
  },
  {
    row: "Windows made longer by an edit",
    policy: downWithin(15),
    ticks: [
      { current: 10, value: 100 },
      { after: 20_000, current: 10, value: 40 },
      { after: 20_000, current: 4, value: 20 },
      { after: 5000, current: 8, value: 10, edited: downWithin(300) }
    ],
    hpa: [10, 4, 2, 8],
    ours: [10, 4, 2, 2]
  },
  {
    row: "Recommendations of the last hour at most one a second",
    policy: policyWith(
      { bounds: { min: 1, max: 10_000 } },
      rates({ selectPolicy: "Disabled" }, { stabilizationSeconds: 3600 })
    ),
    ticks: [...falling, { after: 800, current: 8950, value: 10 }],
    hpa: [8950],
    ours: [8800]
  },
  {
    row: "Somebody else keeps changing replicas",
    policy: free,
    ticks: [
      { current: 4, value: 40 },
      { current: 6, value: 60 },
      { current: 4, value: 40 },
      { current: 6, value: 80 }
    ],
    hpa: [4, 6, 4, 8],
    ours: [4, 6, 4, 6]
  },
  {
    row: "A write that comes too late",
    policy: policyWith({}, podsUp(4)),
    ticks: [{ current: 4, value: 200, overtakenBy: 17 }],
    hpa: [8],
    ours: [20]
  },
  {
    row: "A rescale's time",
    policy: policyWith({}, podsUp(1)),
    ticks: [
      { current: 4, value: 100, writeMillis: 2000 },
      { current: 5, value: 100 }
    ],
    hpa: [5, 5],
    ours: [5, 6]
  },
  {
    row: "A restart",
    policy: policyWith({}, podsUp(1, 60)),
    ticks: [
      { current: 4, value: 100 },
      { current: 5, value: 100, restarted: true }
    ],
    hpa: [5, 6],
    ours: [5, 5]
  },
  {
    row: "Tolerances",
    policy: policyWith({ limits: limitsOf({ rates: rates(), toleranceMilli: { up: 1, down: 1 } }) }),
    tolerance: "500u",
    ticks: [{ current: 10, value: 100.08 }],
    hpa: [11],
    ours: [10]
  },
  {
    row: "Pods of the target",
    policy: policyWith({ signals: [{ ...signal, target: { type: "Value", milli: 10_000 } }] }),
    ticks: [{ current: 4, value: 15, seen: { status: 5, ready: 5 } }],
    hpa: [8],
    ours: [6]
  },
  {
    row: "Overlapping selectors",
    policy: free,
    ambiguous: true,
    ticks: [{ current: 4, value: 80 }],
    hpa: [4],
    ours: [8]
  }
]

/** What we decide at each tick; a write that comes too late is decided anew from what is there. */
export const weDecide = (divergence: Divergence): ReadonlyArray<number> => {
  const times = timesOf(divergence)
  let policy = divergence.policy
  let engines = boundEngines(policy)
  let memory = initialMemory(policy, 0)
  return divergence.ticks.map(({ current, edited, overtakenBy, reading, restarted, state, value }, index) => {
    const at = times[index] ?? 0
    if (edited !== undefined) {
      policy = edited
      engines = boundEngines(policy)
      memory = carryOver(memory, policy).memory
    }
    if (restarted === true) memory = restored(memory)
    const observation = observe(at, stateOf(overtakenBy ?? current, state), { rps: reading ?? measured(value, at) })
    const adopted = adopt(memory, observation)
    const played = play({ policy, engines, observation, memory: adopted })
    memory = played.memory
    return played.decision.desired
  })
}
