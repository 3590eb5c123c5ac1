import { Effect, Result } from "effect"
import { assert, describe, it } from "@effect/vitest"
import { inPlainWords, unverified, wordsQuestion } from "#cli/explain/plainWords"
import type { DecisionRecord } from "#schemas/Decision"
import { measured } from "#schemas/Reading"
import { OpenAi } from "#services/OpenAi"
import { makeRecord, policyOf } from "#test/operator/records"

const policy = policyOf("web")

const recordAt = (seconds: number, load: number, from: number, to: number): DecisionRecord => {
  const record = makeRecord({ uid: "web", id: String(seconds), at: seconds * 1000, outcome: { _tag: "Unchanged" } })
  return {
    ...record,
    observation: {
      ...record.observation,
      state: { ...record.observation.state, specReplicas: from, readyReplicas: from },
      readings: [{ signal: "load", reading: measured(load, 0) }]
    },
    decision: {
      ...record.decision,
      desired: to,
      recommended: to + 5,
      steps: [{ limiter: "TooManyReplicas", before: to + 5, after: to, reason: "" }]
    }
  }
}

const records = [recordAt(0, 41.7, 2, 5), recordAt(120, 62, 5, 8)]
const wrongIn = (story: string) => unverified(story, policy, records, true)

describe("a story in plain words", () => {
  it.each([
    "The load signal-1 rose from 41.7 to 62, and 10 per pod are allowed, so it went from 2 to 5 and then to 8 replicas.",
    "It added 3 pods, twice; 13 were wanted, and the limit took 5 away. That was 2 minutes (120 seconds) apart.",
    "Two decisions were made; one of them asked for thirteen replicas.",
    "The workload has between 1 and 10 replicas.",
    "Nothing much happened.",
    "About 42 of load."
  ])("may say what the records hold: %s", (story) => {
    assert.deepStrictEqual(wrongIn(story), [])
  })

  it.each([
    ["It went to 4,000 replicas.", "4000"],
    ["It went to 9 replicas.", "9"],
    ["It went to nine replicas.", "nine"],
    ["It went to ９ replicas.", "9"],
    ["CPU was at 97.5 %.", "97.5"],
    ["The load was 41.75.", "41.75"],
    ["It went to four thousand replicas.", "four thousand"],
    ["It went to forty one replicas.", "forty one"],
    ["It has 2 hundred replicas.", "hundred"],
    ["The load was 10k.", "10k"],
    ["The load rose by 8x.", "8x"],
    ["The load doubled.", "doubled"],
    ["It has 62 replicas.", "62"],
    ["CPU was at 8 %.", "8"],
    ["It waited 8 seconds.", "8"],
    ["It took 5 hours.", "5"],
    ["It went to 5 000 replicas.", "5000"],
    ["It has ٨ replicas.", "٨"],
    ["It has .5 replicas.", ".5"],
    ["The load signal-7 rose.", "signal-7"],
    ["A bill of $1234 is due.", "1234"],
    ["It fell to -2.", "-2"]
  ])("may not say %s", (story, wrong) => {
    assert.include(wrongIn(story), wrong)
  })

  const saying = (story: string, pseudonyms = true) =>
    inPlainWords(policy, records).pipe(
      Effect.provideService(OpenAi, {
        configured: true,
        pseudonyms,
        paceMillis: () => Effect.succeed(0),
        ask: () => Effect.succeed({ story } as never)
      })
    )

  it.effect("has the names back that were kept from the model, and nothing that drives a terminal", () =>
    Effect.gen(function* () {
      const story = Result.getOrThrow(yield* saying("\u001b[2Jsignal-1 was 62,\u202e so it has 8 replicas."))
      assert.strictEqual(story, "load was 62,  so it has 8 replicas.")
    })
  )

  it.effect("is not shown with a number that nobody can find, and says which", () =>
    Effect.gen(function* () {
      const told = yield* saying("signal-1 was 62, so it went to 4,000 replicas.")
      assert.strictEqual(
        Result.isFailure(told) ? told.failure : "",
        "The language model told numbers that the records do not hold (4000), so its story is not shown."
      )
    })
  )

  it.effect("is not there without a model, which is said with what to do", () =>
    Effect.gen(function* () {
      const told = yield* inPlainWords(policy, records)
      assert.match(Result.isFailure(told) ? told.failure : "", /is not configured\. Set OPENAI_API_KEY/u)
    })
  )

  it("is asked for without any name of the cluster", () => {
    const { system, user } = wordsQuestion(policy, records, true)
    for (const name of ['"load"', "web", "shop"]) assert.notInclude(system + user, name)
  })
})
