import { assert, describe, it } from "vitest"
import { step, type StepMemory, type StepOptions } from "#engines/step"
import { measured, missing, type Reading } from "#schemas/Reading"
import { observe, policyOf, stateOf, watched } from "#test/domain/policies"

const rule = (over: Partial<StepOptions["rules"][number]> = {}): StepOptions["rules"][number] => ({
  signal: "a",
  up: { op: "gt", thresholdMilli: 100_000 },
  down: { op: "lt", thresholdMilli: 10_000 },
  ...over
})
const optionsOf = (over: Partial<StepOptions> = {}): StepOptions => ({
  rules: [rule()],
  up: "one",
  down: "one",
  downAfterSeconds: 0,
  ...over
})

const run = (
  options: StepOptions,
  values: Readonly<Record<string, number | null>>,
  replicas = 4,
  memory: StepMemory = {},
  at = 0,
  resumed = false
) => {
  const reading = (value: number | null): Reading =>
    value === null ? missing("Timeout", "no answer") : measured(value, at)
  const signals = Object.entries(values).map(([name, value]) => ({ signal: watched(name), reading: reading(value) }))
  const output = step.propose({
    policy: policyOf(),
    observation: observe(at, stateOf(replicas)),
    options,
    memory,
    resumed,
    signals
  })
  return { ...output, replicas: output.proposals.map((proposal) => proposal.replicas) }
}

describe("step", () => {
  it.each([
    { title: "gt is strict", options: optionsOf(), value: 100, want: 4 },
    { title: "above it one more", options: optionsOf(), value: 100.001, want: 5 },
    {
      title: "gte is not",
      options: optionsOf({ rules: [rule({ up: { op: "gte", thresholdMilli: 100_000 } })] }),
      value: 100,
      want: 5
    },
    { title: "lt is strict", options: optionsOf(), value: 10, want: 4 },
    { title: "below it one fewer", options: optionsOf(), value: 9.999, want: 3 },
    {
      title: "lte is not",
      options: optionsOf({ rules: [rule({ down: { op: "lte", thresholdMilli: 10_000 } })] }),
      value: 10,
      want: 3
    },
    { title: "a ratio is rounded up", options: optionsOf({ up: "ratio" }), value: 130, want: 6 },
    {
      title: "a ratio is exact where the numbers are",
      options: optionsOf({ up: "ratio" }),
      value: 110,
      replicas: 100,
      want: 110
    },
    {
      title: "a threshold below a thousandth is one",
      options: optionsOf({ up: "ratio", rules: [rule({ up: { op: "gt", thresholdMilli: 0.5 } })] }),
      value: 0.0008,
      want: 7
    },
    {
      title: "gte is not reached by rounding",
      options: optionsOf({ rules: [rule({ up: { op: "gte", thresholdMilli: 100_000 } })] }),
      value: 99.9999,
      want: 4
    },
    { title: "lt is not missed by rounding", options: optionsOf(), value: 9.9999, want: 3 },
    {
      title: "a value that no double holds exactly is at its threshold",
      options: optionsOf({ rules: [{ signal: "a", up: { op: "gt", thresholdMilli: 1100 } }] }),
      value: 1.1,
      want: 4
    },
    {
      title: "a ratio is worth at least one",
      options: optionsOf({ up: "ratio", rules: [rule({ up: { op: "gte", thresholdMilli: 100_000 } })] }),
      value: 100,
      want: 5
    },
    {
      title: "a jump goes straight there",
      options: optionsOf({ up: { perReplicaMilli: 50_000 } }),
      value: 720,
      want: 15
    },
    { title: "a jump never goes down", options: optionsOf({ up: { perReplicaMilli: 50_000 } }), value: 101, want: 4 },
    {
      title: "a jump down goes straight there",
      options: optionsOf({ down: { perReplicaMilli: 5000 } }),
      value: 7,
      want: 2
    },
    { title: "a jump down never goes up", options: optionsOf({ down: { perReplicaMilli: 1000 } }), value: 9, want: 4 }
  ])("$title", ({ options, replicas, value, want }) => {
    assert.deepStrictEqual(run(options, { a: value }, replicas).replicas, [want])
  })

  it("from zero goes up by one, by ratio too", () => {
    assert.deepStrictEqual(run(optionsOf(), { a: 500 }, 0).replicas, [1])
    assert.deepStrictEqual(run(optionsOf({ up: "ratio" }), { a: 500 }, 0).replicas, [1])
    assert.deepStrictEqual(run(optionsOf(), { a: 5 }, 0).replicas, [0])
  })

  it("agrees to fewer below downBelow, and without either never", () => {
    const { down: _, ...upOnly } = rule()
    assert.deepStrictEqual(
      run(optionsOf({ rules: [{ ...upOnly, downBelowMilli: 70_000 }] }), { a: 69.9 }).replicas,
      [3]
    )
    assert.deepStrictEqual(run(optionsOf({ rules: [{ ...upOnly, downBelowMilli: 70_000 }] }), { a: 70 }).replicas, [4])
    assert.deepStrictEqual(run(optionsOf({ rules: [upOnly] }), { a: 0 }).replicas, [4])
  })

  it("lets any vote for more win, and needs every rule for fewer", () => {
    const options = optionsOf({ rules: [rule(), rule({ signal: "b" })] })
    assert.deepStrictEqual(run(options, { a: 500, b: 0 }).replicas, [5, 4])
    assert.deepStrictEqual(run(options, { a: 50, b: 0 }).replicas, [4, 4])
    assert.deepStrictEqual(run(options, { a: 0, b: 0 }).replicas, [3, 3])
    assert.deepStrictEqual(run(options, { a: null, b: 0 }).replicas, [undefined, 4])
    assert.deepStrictEqual(run(options, { a: null, b: 500 }).replicas, [undefined, 5])
  })

  it("goes down only after all agreed for long enough without a pause", () => {
    const options = optionsOf({ downAfterSeconds: 60 })
    let memory: StepMemory = {}
    const tick = (at: number, value: number | null) => {
      const output = run(options, { a: value }, 4, memory, at)
      memory = output.memory
      return output.replicas[0]
    }
    assert.deepStrictEqual([tick(0, 5), tick(59_999, 5), tick(60_000, 5), tick(61_000, 5)], [4, 4, 3, 3])
    assert.deepStrictEqual(
      [tick(62_000, null), tick(63_000, 5), tick(122_999, 5), tick(123_000, 5)],
      [undefined, 4, 4, 3]
    )
    assert.deepStrictEqual([tick(124_000, 50), tick(125_000, 5)], [4, 4])
  })

  it("begins to count anew when time has passed unseen", () => {
    const options = optionsOf({ downAfterSeconds: 60 })
    const output = run(options, { a: 5 }, 4, { calmSince: 0 }, 600_000, true)
    assert.deepStrictEqual([output.replicas, output.memory], [[4], { calmSince: 600_000 }])
  })

  it("begins to count anew when a clock was set back", () => {
    const output = run(optionsOf({ downAfterSeconds: 60 }), { a: 5 }, 4, { calmSince: 600_000 }, 1000)
    assert.deepStrictEqual([output.replicas, output.memory], [[4], { calmSince: 1000 }])
  })

  it("says no more than it proposes, however large the value", () => {
    const [proposal] = run(optionsOf({ rules: [rule()], up: "ratio" }), { a: 9e15 }, 4).proposals
    assert.strictEqual(proposal?.replicas, 2_147_483_647)
    assert.match(proposal?.reason ?? "", / and wants 2147483647$/u)
  })

  it("says where a value stands, also against a single threshold", () => {
    const says = (over: Partial<StepOptions["rules"][number]>, value: number) => {
      const { down: _, up: __, ...bare } = rule()
      return run(optionsOf({ rules: [{ ...bare, ...over }] }), { a: value }).proposals[0]?.reason
    }
    assert.strictEqual(says({ down: { op: "lt", thresholdMilli: 10_000 } }, 45), "a 45 is not below 10 and keeps 4")
    assert.strictEqual(
      says({ down: { op: "lte", thresholdMilli: 10_000 } }, 45),
      "a 45 is not at or below 10 and keeps 4"
    )
    assert.strictEqual(says({ up: { op: "gt", thresholdMilli: 10_000 } }, 10), "a 10 is not above 10 and keeps 4")
    assert.strictEqual(
      says({ up: { op: "gt", thresholdMilli: 10_000 }, downBelowMilli: 7000 }, 8),
      "a 8 is between its thresholds and keeps 4"
    )
    assert.strictEqual(
      says({ up: { op: "gt", thresholdMilli: 0.5 } }, 0.00081),
      "a 0.00081 is above 0.0005 and wants 5"
    )
  })

  it("gives the same memory back while nothing changes, so that nobody has to write it", () => {
    const memory = { calmSince: 3 }
    assert.strictEqual(run(optionsOf(), { a: 5 }, 4, memory, 9).memory, memory)
  })

  it("tells old from missing", () => {
    const reading: Reading = { _tag: "Stale", value: 1, at: 0, ageMillis: 9, detail: "too old" }
    const signals = [{ signal: watched("a"), reading }]
    const input = { policy: policyOf(), observation: observe(0, stateOf(4)), options: optionsOf(), memory: {} }
    assert.strictEqual(step.propose({ ...input, resumed: false, signals }).proposals[0]?.reason, "a is stale: too old")
  })

  it("says that a rule's signal is not there", () => {
    assert.strictEqual(run(optionsOf(), {}).proposals[0]?.reason, "a is missing: the policy has no such signal")
  })
})
