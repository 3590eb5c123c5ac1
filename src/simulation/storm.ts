/** What goes wrong in one scenario: which faults, how many, and at which of the events that it will roughly have. */
import { drawFault, type Fault, FAULT_KINDS, type FaultKind, type Trigger } from "#simulation/Fault"
import type * as Prng from "#simulation/Prng"
import type { PolicyPlan } from "#simulation/Scenario"

/** What ends, parts or delays an operator in the middle of something finds the most. */
const OFTEN: ReadonlyArray<FaultKind> = ["killed", "stopped", "cutOff", "slowCommit", "lostReply"]
const ALL: ReadonlyArray<FaultKind> = [...FAULT_KINDS, ...OFTEN, ...OFTEN]

/** However short the run. */
const FAULTS_MIN = 6

/** Some seeds know only two or three kinds of fault, and those often: a crowd of kinds can hide each other's bugs. */
export const drawFaults = (
  prng: Prng.Prng,
  minutes: number,
  policies: ReadonlyArray<PolicyPlan>
): ReadonlyArray<Fault> => {
  const isFocused = prng.chance(0.4)
  const kinds = isFocused ? [1, 2, 3].map(() => prng.pick(ALL)) : ALL
  const rate = prng.pick([0.2, 0.6, 1.2])
  const count = Math.max(FAULTS_MIN, Math.round(minutes * rate))
  const events = expected(minutes, policies)
  return Array.from({ length: count }, () => drawFault(prng, prng.pick(kinds), events)).toSorted(
    (a, b) => a.on.localeCompare(b.on) || a.nth - b.nth
  )
}

const isAdvised = ({ spec }: PolicyPlan): boolean => JSON.stringify(spec).includes('"advisor":')

/** Roughly; a fault whose event never comes does no harm and finds nothing. */
const expected = (minutes: number, policies: ReadonlyArray<PolicyPlan>): Readonly<Record<Trigger, number>> => {
  const several = policies.length
  return {
    write: 40 + several * minutes * 0.5,
    scale: 2 + several * minutes * 0.12,
    renewal: minutes * 28,
    read: 60 + several * minutes * 0.3,
    watch: 100 + several * minutes * 2,
    question: several * minutes * 3,
    advice: policies.filter(isAdvised).length * minutes
  }
}
