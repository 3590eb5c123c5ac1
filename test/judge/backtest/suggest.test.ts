import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { readFileSync } from "node:fs"
import { suggested } from "#judge/backtest/suggest"
import { readPolicyFile } from "#judge/policyFile"
import { policyFile, REQUESTS } from "#test/judge/backtest/world"

const WANTED = {
  minReplicas: 2,
  maxReplicas: 40,
  objectives: { latency: { targetMs: 300, goodFraction: 0.99 }, startupSeconds: 20 }
}

const fixture = (name: string) =>
  Result.getOrThrow(
    readPolicyFile(
      name,
      readFileSync(new URL(`../../fixtures/crd/valid/${name}.yaml`, import.meta.url), "utf8"),
      undefined
    )
  )

describe("a suggested policy", () => {
  it("asks what was asked, says what it means, and changes nothing yet", () => {
    const yaml = suggested(policyFile(REQUESTS).policy, WANTED)
    const { engines, policy } = Result.getOrThrow(readPolicyFile("suggested", yaml, undefined))
    assert.deepStrictEqual([policy.mode, policy.bounds.min, policy.bounds.max], ["Recommend", 2, 40])
    assert.deepStrictEqual(
      policy.signals.map(({ name, role }) => [name, role]),
      [
        ["requests", "demand"],
        ["cpu", "utilization"]
      ]
    )
    assert.deepStrictEqual(
      engines.map(({ name }) => name),
      ["auto"]
    )
  })

  it.each([
    "seed-1-intelligentscaling",
    "seed-2-scalingpolicy",
    "seed-4-scalingrule",
    "seed-5-generalscaler",
    "scalingpolicy-minimal"
  ])("can be made of %s, and an API server takes it", (name) => {
    const read = readPolicyFile("suggested", suggested(fixture(name).policy, WANTED), undefined)
    assert.isTrue(Result.isSuccess(read), Result.isFailure(read) ? read.failure : "")
  })

  it("repeats no credentials", () => {
    const { policy } = policyFile(REQUESTS)
    const [signal] = policy.signals
    if (signal === undefined) throw new Error("no signal")
    const secret = {
      ...signal,
      options: { ...(signal.options as object), headers: { authorization: "Bearer hush-hush" } }
    }
    assert.notInclude(suggested({ ...policy, signals: [secret] }, WANTED), "hush")
  })
})
