/**
 * Learns what one pod serves and asks for as many as serve the demand within the objective: by the curve of bad answers
 * where they are measured, by Erlang's formula where they are not, by the age of its backlog for a queue.
 */
import * as Schema from "effect/Schema"
import { goodUpTo, UNKNOWN_CAPACITY } from "#domain/capacity"
import { podsToDrain } from "#domain/drain"
import type { Engine, EngineInput } from "#domain/Engine"
import { type Evidence, gather, hasRole } from "#domain/evidence"
import { learnPods } from "#domain/learnPods"
import { REPLICAS_MAX } from "#domain/rounding"
import { UNKNOWN_STARTUP } from "#domain/startup"
import { podsToServe } from "#domain/waiting"
import type { Proposal } from "#schemas/Decision"
import { Pods } from "#schemas/Pods"

const CapacityOptions = Schema.Struct({
  signal: Schema.optionalKey(
    Schema.String.annotate({
      description: "Name of the signal that says how much work there is. Absent: the first with the role demand."
    }).check(Schema.isMinLength(1), Schema.isMaxLength(63))
  ),
  headroomPercent: Schema.optionalKey(
    Schema.Int.annotate({
      description: "Capacity to keep free beyond what the objectives need, in percent. Absent: 15."
    }).check(Schema.isBetween({ minimum: 0, maximum: 90 }))
  )
}).annotate({
  description:
    "Learns what one replica can carry and asks for enough of them. Needs signals of the roles demand and utilization (in percent); served and badFraction or backlog make it better. It looks at now: what holds back is the policy's behavior."
})
type CapacityOptions = typeof CapacityOptions.Type

const CapacityMemory = Schema.Struct({
  version: Schema.Literal(1),
  ...Pods.fields
})
type CapacityMemory = typeof CapacityMemory.Type

type Input = EngineInput<CapacityOptions, CapacityMemory>

const name = "capacity"
/** Against what changes until the next pods are ready. */
const HEADROOM_PERCENT = 15
/** The share of work that may wait where no objective says how much may be late. */
const USUAL_WAITING = 0.05
const WAITING_MIN = 1e-4

const ROLES = ["demand", "served", "utilization", "backlog", "badFraction"] as const

/** The named signal speaks for demand, whatever role it has besides. */
const signalsOf = ({ options, signals }: Input): Input["signals"] =>
  options.signal === undefined
    ? signals
    : signals.flatMap(({ reading, signal }) => {
        if (signal.name === options.signal) return [{ reading, signal: { ...signal, role: "demand" as const } }]
        return signal.role === "demand" ? [] : [{ reading, signal }]
      })

const learn = (input: Input, seen: Evidence): CapacityMemory => {
  const { backlog = 0, demand } = seen
  // Nothing waits: what comes is what is served.
  const served = seen.served ?? (backlog === 0 ? demand : undefined)
  const { seconds: _, ...pods } = learnPods(input, served === undefined ? seen : { ...seen, served })
  return { ...input.memory, ...pods }
}

const podsFor = ({ options, policy }: Input, seen: Evidence, memory: CapacityMemory, demand: number): number => {
  const { latency, queue, startupSeconds = memory.startup.seconds } = policy.objectives
  const { perPod, steepness } = memory.capacity
  const kept = 1 - (options.headroomPercent ?? HEADROOM_PERCENT) / 100
  const { backlog, badFraction } = seen
  if (queue !== undefined && backlog !== undefined) {
    const { drainSeconds } = queue
    return podsToDrain({ backlog, arrivals: demand / kept, perPod, drainSeconds, startupSeconds })
  }
  const load = demand / perPod / kept
  const late = Math.max(WAITING_MIN, latency === undefined ? USUAL_WAITING : 1 - latency.goodFraction)
  return badFraction === undefined ? podsToServe(load, late) : Math.ceil(load / goodUpTo(steepness, late))
}

const initial: CapacityMemory = { version: 1, ready: 0, capacity: UNKNOWN_CAPACITY, startup: UNKNOWN_STARTUP }

const shown = (value: number): string => String(Number(value.toPrecision(3)))

export const capacity: Engine<CapacityOptions, CapacityMemory> = {
  name,
  description: "Learns what one replica can carry and asks for enough of them.",
  options: CapacityOptions,
  memory: CapacityMemory,
  initial,
  example: { headroomPercent: 20 },
  built: true,
  suits: (policy) => hasRole(policy, "utilization"),
  propose: (input) => {
    const seen = gather({ observation: input.observation, signals: signalsOf(input) }, ROLES)
    const silent = (reason: string, signal?: string): Proposal => ({
      engine: name,
      ...(signal === undefined ? {} : { signal }),
      raiseOnly: false,
      reason
    })
    if ("signal" in seen) return { proposals: [silent(seen.reason, seen.signal)], memory: input.memory }
    const memory = learn(input, seen)
    const { demand } = seen
    if (demand === undefined) return { proposals: [silent("nothing says how much work there is")], memory }
    const { perPod } = memory.capacity
    if (perPod <= 0) {
      const starts = input.observation.state.specReplicas === 0 && demand > 0
      const proposal = silent(starts ? "there is work and no pod" : "it is not known yet what a pod serves")
      return { proposals: [starts ? { ...proposal, replicas: 1 } : proposal], memory }
    }
    const replicas = Math.min(podsFor(input, seen, memory, demand), REPLICAS_MAX)
    const reason = `${shown(demand)} of demand, of which a pod serves ${shown(perPod)}, needs ${replicas}`
    return { proposals: [{ engine: name, replicas, raiseOnly: false, reason }], memory }
  }
}
