import { assert, describe, it } from "vitest"
import { propose, toMilli } from "#domain/usage"
import type { MetricTarget } from "#schemas/Policy"
import { measured, type PodSample } from "#schemas/Reading"
import { limitsOf, observe, signalOf, stateOf } from "#test/domain/policies"

describe("toMilli", () => {
  it.each([
    [1.1, 1100],
    [0.1 + 0.2, 301],
    [12.3456, 12_346],
    [-12.3456, -12_346],
    [-0, 0],
    [8, 8000],
    [4.35, 4350]
  ])("%d is %d thousandths", (value, milli) => {
    assert.strictEqual(toMilli(value), milli)
  })
})

const ask = (target: MetricTarget, value: number, state = stateOf(10), source = "prometheus") => {
  const signal = signalOf({ target, source, worksAtZero: true })
  return propose(signal, measured(value, 0), observe(0, state), limitsOf())
}
const replicas = (...input: Parameters<typeof ask>) => {
  const answer = ask(...input)
  return answer._tag === "Proposed" ? answer.replicas : answer.detail
}

const sampled = (name: string, usageMilli?: number): PodSample => ({
  name,
  phase: "Running",
  deleting: false,
  ready: true,
  requestMilli: 100,
  ...(usageMilli === undefined ? {} : { usageMilli })
})

const value = (milli: number): MetricTarget => ({ type: "Value", milli })
const average = (milli: number): MetricTarget => ({ type: "AverageValue", milli })
const percent = (milli: number): MetricTarget => ({ type: "Utilization", milli })

describe("propose", () => {
  it.each([
    { title: "a total is divided by what one pod may have", got: replicas(average(100_000), 1240), want: 13 },
    { title: "a total within the tolerance keeps the replicas", got: replicas(average(100_000), 1100), want: 10 },
    {
      title: "surge pods share the total, and are not made permanent",
      got: replicas(average(100_000), 1200, stateOf(10, { statusReplicas: 12 })),
      want: 10
    },
    { title: "a value over its target multiplies the ready pods", got: replicas(value(10_000), 15), want: 15 },
    {
      title: "a value over its target may ask for fewer when few are ready",
      got: replicas(value(10_000), 15, stateOf(10, { readyReplicas: 2 })),
      want: 3
    },
    {
      title: "a value off target asks for none when none is ready",
      got: replicas(value(10_000), 15, stateOf(10, { readyReplicas: 0 })),
      want: 0
    },
    {
      title: "a value says nothing about pods that do not exist",
      got: replicas(value(10_000), 15, stateOf(10, { statusReplicas: 0, readyReplicas: 0 })),
      want: "rps cannot be judged: there are no pods"
    },
    { title: "from zero the ratio itself is asked for", got: replicas(value(10_000), 25, stateOf(0)), want: 3 },
    { title: "from zero a total is divided as ever", got: replicas(average(10_000), 25, stateOf(0)), want: 3 },
    { title: "nothing to do asks for none", got: replicas(average(10_000), 0, stateOf(0)), want: 0 },
    { title: "a negative total asks for none", got: replicas(average(10_000), -500), want: 0 },
    {
      title: "a total beyond all bounds is cut to what can be written",
      got: replicas(average(1), 1e12),
      want: 2_147_483_647
    },
    { title: "percent are cut to whole ones before they are compared", got: replicas(percent(70), 77.9), want: 10 },
    { title: "percent over the target multiply the ready pods", got: replicas(percent(70), 78), want: 12 },
    {
      title: "pods that are not ready count as idle where it would raise",
      got: replicas(percent(50), 90, stateOf(10, { readyReplicas: 5 })),
      want: 10
    },
    {
      title: "and still raise when the others are busy enough",
      got: replicas(percent(50), 90, stateOf(10, { readyReplicas: 8 })),
      want: 15
    },
    {
      title: "pods that are not ready do not count where it would lower",
      got: replicas(percent(50), 20, stateOf(10, { readyReplicas: 5 })),
      want: 2
    },
    {
      title: "a resource without pods is a mean, not a total",
      got: replicas(average(100_000), 150, stateOf(10), "resource"),
      want: 15
    },
    {
      title: "a mean over no ready pod is nobody's",
      got: replicas(percent(50), 90, stateOf(10, { readyReplicas: 0 })),
      want: "rps cannot be judged: no pod is ready"
    }
  ])("$title", ({ got, want }) => {
    assert.strictEqual(got, want)
  })

  it.each([
    { given: ask(average(100_000), 1240), reason: "rps 1240 over 100 per pod wants 13" },
    { given: ask(value(1_500), 0.5), reason: "rps 0.5 under 1.5 wants 4" },
    { given: ask(percent(70), 70), reason: "rps 70 % is within the tolerance of 70 % and keeps 10" },
    {
      given: ask(percent(70), 140, stateOf(4, { readyReplicas: 1 })),
      reason: "rps 140 % over 70 % keeps 4, as pods that are not ready or not measured count as idle"
    },
    {
      given: propose(
        signalOf({ target: percent(70), source: "resource" }),
        measured(35, 0, 0.5, [sampled("a", 35), sampled("b")]),
        observe(0, stateOf(2)),
        limitsOf()
      ),
      reason: "rps 35 % under 70 % keeps 2, as pods that are not measured count as busy"
    }
  ])("says: $reason", ({ given, reason }) => {
    assert.strictEqual(given._tag === "Proposed" ? given.reason : given.detail, reason)
  })
})
