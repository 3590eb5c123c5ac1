/**
 * Decisions as data for a language model: numbers and our own words alone. Nothing that a tenant or a server has
 * written is in it but, where the settings allow them, the names of signals, whose letters the CRD restricts.
 */
import type { DecisionRecord } from "#schemas/Decision"
import type { Policy, Signal } from "#schemas/Policy"

const DIGITS = 3

const rounded = (value: number): number => Number(value.toPrecision(DIGITS))

/** What a signal is called: by its place where names are to be kept. */
export const signalNames = ({ signals }: Pick<Policy, "signals">, pseudonyms: boolean): ReadonlyMap<string, string> =>
  new Map(signals.map(({ name }, index) => [name, pseudonyms ? `signal-${index + 1}` : name]))

const targetText = ({ target }: Signal): string | undefined => {
  if (target === undefined) return undefined
  if (target.type === "Utilization") return `${target.milli} %`
  return `${target.milli / 1000}${target.type === "AverageValue" ? " per pod" : ""}`
}

const policyOf = (policy: Policy, names: ReadonlyMap<string, string>) => {
  const { errorRate, latency, queue, startupSeconds } = policy.objectives
  return {
    minReplicas: policy.bounds.min,
    maxReplicas: policy.bounds.max,
    secondsBetweenDecisions: policy.intervalMillis / 1000,
    ...(latency === undefined ? {} : { latencyTargetMillis: latency.targetMs }),
    ...(errorRate === undefined ? {} : { errorShareAllowed: errorRate.target }),
    ...(queue === undefined ? {} : { drainSeconds: queue.drainSeconds }),
    ...(startupSeconds === undefined ? {} : { podStartSeconds: startupSeconds }),
    signals: policy.signals.map((signal) => ({
      name: names.get(signal.name),
      means: signal.role ?? "unknown",
      heldAt: targetText(signal)
    }))
  }
}

const decisionOf = (record: DecisionRecord, latest: number, names: ReadonlyMap<string, string>) => {
  const { decision, observation, outcome } = record
  const { readings, state } = observation
  return {
    secondsAgo: Math.round((latest - observation.at) / 1000),
    replicas: state.specReplicas,
    ready: state.readyReplicas,
    values: Object.fromEntries(
      readings.map(({ reading, signal }) => [
        names.get(signal) ?? "unknown",
        reading._tag === "Measured"
          ? rounded(reading.value)
          : reading._tag === "Stale"
            ? "stale"
            : `missing: ${reading.why}`
      ])
    ),
    proposals: decision.proposals.flatMap(({ engine, replicas, signal }) =>
      replicas === undefined
        ? []
        : [{ engine, replicas, ...(signal === undefined ? {} : { signal: names.get(signal) }) }]
    ),
    limits: decision.steps.map(({ after, before, limiter }) => ({ limiter, before, after })),
    ...(decision.recommended === undefined ? {} : { recommended: decision.recommended }),
    decided: decision.desired,
    outcome: outcome._tag
  }
}

/** Oldest first. */
export const digestOf = (policy: Policy, records: ReadonlyArray<DecisionRecord>, pseudonyms: boolean) => {
  const names = signalNames(policy, pseudonyms)
  const latest = records.at(-1)?.observation.at ?? 0
  return {
    policy: policyOf(policy, names),
    decisions: records.map((record) => decisionOf(record, latest, names))
  }
}
