import { assert, describe, it } from "vitest"
import { chapters } from "#cli/explain/select"
import { tell } from "#cli/explain/story"
import { replayText } from "#domain/story"
import type { Replayed } from "#domain/replay"
import type { Decision, DecisionRecord, Outcome } from "#schemas/Decision"
import type { TargetState } from "#schemas/Observation"
import { measured, missing, type Reading } from "#schemas/Reading"
import { makeRecord, state } from "#test/operator/records"

interface Given {
  readonly at?: number
  readonly outcome?: Outcome
  readonly state?: TargetState
  readonly reading?: Reading
  readonly decision?: Partial<Decision>
}

const recordOf = ({
  at = 0,
  decision,
  outcome = { _tag: "Unchanged" },
  reading,
  state: seen
}: Given): DecisionRecord => {
  const made = makeRecord({ uid: "web", id: `web.${at}`, at, outcome })
  return {
    ...made,
    observation: {
      ...made.observation,
      state: seen ?? state(3),
      readings: reading === undefined ? [] : [{ signal: "load", reading }]
    },
    decision: { ...made.decision, action: "no_action", ...decision }
  }
}

const story = (records: ReadonlyArray<DecisionRecord>, verdicts: ReadonlyMap<string, Replayed> = new Map()) =>
  chapters(records, { _tag: "Last", count: 99 }).flatMap((chapter) => tell(chapter, verdicts))

describe("the story of a decision", () => {
  it("tells what was seen, proposed, limited, decided, written and what came of it", () => {
    const up = recordOf({
      at: 0,
      state: state(2),
      reading: measured(50, 0),
      outcome: { _tag: "Scaled", from: 2, to: 4, resourceVersion: "7" },
      decision: {
        proposals: [
          {
            engine: "target",
            signal: "load",
            replicas: 5,
            raiseOnly: false,
            reason: "load 50 over 10 per pod wants 5"
          },
          { engine: "slo", raiseOnly: true, reason: "no latency is known" }
        ],
        recommended: 5,
        steps: [{ limiter: "ScaleUpLimit", before: 5, after: 4, reason: "2 pods per 60 s" }],
        desired: 4,
        limitedBy: ["ScaleUpLimit"]
      }
    })
    const next = recordOf({ at: 15_000, state: state(4, { readyReplicas: 3 }), reading: measured(40, 15_000) })
    assert.deepStrictEqual(story([up, next]).slice(0, 10), [
      "1970-01-01T00:00:00Z  2 -> 4",
      "  seen:      2 replicas, 2 ready",
      "             load 50",
      "  proposed:  target says 5: load 50 over 10 per pod wants 5",
      "             slo says nothing (may only raise): no latency is known",
      "  limited:   ScaleUpLimit 5 -> 4: 2 pods per 60 s",
      "  decided:   4 by target, 5 was recommended",
      "  written:   4 replicas, instead of 2 (resourceVersion 7)",
      "  then:      15 s later 4 replicas, 3 ready; load 40",
      "1970-01-01T00:00:15Z  stays at 3"
    ])
  })

  it("does not call a target content that a limiter holds back", () => {
    const steps = [{ limiter: "CostCap" as const, before: 9, after: 3, reason: "the budget pays for 3" }]
    const lines = story([recordOf({ decision: { recommended: 9, steps, limitedBy: ["CostCap"] } })])
    assert.include(lines, "  written:   nothing, the target has that many already")
  })

  it.each<{ title: string; given: Given; says: string }>([
    {
      title: "a missing signal",
      given: { reading: missing("Timeout", "prometheus did not answer") },
      says: "load is missing (Timeout): prometheus did not answer"
    },
    {
      title: "a stale signal",
      given: { reading: { _tag: "Stale", value: 5, at: 0, ageMillis: 90_000, detail: "the sample is 90 s old" } },
      says: "load was 5 90 s ago, too old to lower anything: the sample is 90 s old"
    },
    { title: "a part of the pods", given: { reading: measured(5, 0, 0.5) }, says: "load 5 (of 50 % of the pods)" },
    { title: "a rollout", given: { state: state(3, { rollingOut: true }) }, says: "a rollout is under way" },
    { title: "surge pods", given: { state: state(3, { statusReplicas: 4 }) }, says: "3 replicas, 3 ready, 4 there" },
    { title: "a budget", given: { state: state(3, { disruptionFloor: 2 }) }, says: "wants 2 available" },
    {
      title: "pods that do not start",
      given: { at: 60_000, state: state(3, { failingPodsSince: 0 }) },
      says: "new pods have not come up for 60 s"
    },
    {
      title: "another writer",
      given: { state: state(3, { conflict: { reason: "OtherAutoscaler", message: "The HPA web scales it." } }) },
      says: "The HPA web scales it."
    },
    {
      title: "a refusal",
      given: { outcome: { _tag: "Refused", reason: "Forbidden", message: "may not" }, decision: { desired: 5 } },
      says: "nothing, the API server refused (Forbidden): may not"
    },
    {
      title: "a write that was withheld",
      given: {
        outcome: { _tag: "Withheld", why: "Recommend", message: "mode is Recommend" },
        decision: { desired: 5 }
      },
      says: "3 -> 5, not written"
    },
    {
      title: "a lost answer",
      given: { outcome: { _tag: "Unknown", message: "no answer came" }, decision: { desired: 5 } },
      says: "perhaps: no answer came"
    },
    {
      title: "a recovered write",
      given: { outcome: { _tag: "Recovered", from: 1, to: 3, by: "nimbusguard" } },
      says: "1 -> 3, found after a crash"
    },
    {
      title: "half a view",
      given: { reading: measured(1, 0), decision: { confidence: 0.5 } },
      says: "3 by target, as recommended, seeing 50 % of what steers"
    },
    {
      title: "a hold",
      given: {
        decision: { steps: [{ limiter: "SignalMissing", before: 3, after: 3, reason: "load is missing" }] }
      },
      says: "SignalMissing at 3: load is missing"
    }
  ])("tells $title", ({ given, says }) => {
    assert.include(story([recordOf(given)]).join("\n"), says)
  })

  it("says when somebody else has changed what was written", () => {
    const scaled = recordOf({ outcome: { _tag: "Scaled", from: 2, to: 4, resourceVersion: "7" } })
    assert.include(
      story([scaled, recordOf({ at: 15_000, state: state(9) })]).join("\n"),
      "9 replicas, which somebody else has set instead of 4"
    )
  })

  it("counts ticks on which nothing new happened, and tells the one that is different", () => {
    const ticks = [0, 1, 2, 3].map((index) => recordOf({ at: index * 1000 }))
    const other = recordOf({ at: 4000, decision: { limitedBy: ["Cooldown"] } })
    const lines = story([...ticks, other])
    assert.include(lines, "  ... the same 3 times more, until 1970-01-01T00:00:03Z")
    assert.deepStrictEqual(
      lines.filter((line) => !line.startsWith(" ")),
      ["1970-01-01T00:00:00Z  stays at 3", "1970-01-01T00:00:04Z  stays at 3"]
    )
  })

  it("never hides a replay that differs", () => {
    const ticks = [0, 1, 2].map((index) => recordOf({ at: index * 1000 }))
    const different: Replayed = { _tag: "Different", first: { path: "desired", recorded: 3, replayed: 4 } }
    const verdicts = new Map<string, Replayed>([
      ["web.0", { _tag: "Same" }],
      ["web.1000", { _tag: "Same" }],
      ["web.2000", different]
    ])
    const lines = story(ticks, verdicts)
    assert.include(lines, "  ... the same once more, until 1970-01-01T00:00:01Z")
    assert.include(lines, "  replayed:  DIFFERENT at desired: recorded 3, now 4")
    assert.strictEqual(replayText({ _tag: "NotReplayable", why: "x" }), "not possible: x")
  })
})
