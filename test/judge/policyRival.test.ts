import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { globSync, readFileSync } from "node:fs"
import { ENGINES } from "#engines/index"
import { ownFile, ownPolicy } from "#judge/entrants"
import { readPolicyFile } from "#judge/policyFile"
import { intervalSecondsOf, metricsOf, policyRival } from "#judge/policyRival"
import { hpa } from "#judge/rivals/hpa"
import { run } from "#judge/run"
import { Plant } from "#workload/Plant"
import { doubling, queue, web } from "#test/judge/world"

describe("a policy as a rival", () => {
  it("sees the fields of the decider protocol, each of the window that its interval asks for", () => {
    const plant = new Plant(web(doubling(100, 50), 600), 10)
    plant.advance(62)
    const metrics = metricsOf(plant, 15) ?? {}
    assert.deepStrictEqual(Object.keys(metrics).toSorted(), [
      "ageSeconds",
      "badFraction",
      "concurrency",
      "cpuUtilisation",
      "errorRate",
      "memUtilisation",
      "p95LatencyMs",
      "queueLength",
      "readyAvg",
      "rps",
      "servedRps"
    ])
    assert.strictEqual(metrics["ageSeconds"], 2)
    assert.isAbove(Number(metricsOf(plant, 5)?.["rps"]), Number(metrics["rps"]))
  })

  it("keeps a surge better than the HPA does, and says why it changed something", () => {
    const load = web(doubling(280, 900), 2_400)
    const file = ownFile(load.workload)
    assert.strictEqual(intervalSecondsOf(file), 5)
    const [own, plain] = [run(load, policyRival(file)), run(load, hpa(0.7))]
    assert.isBelow(own.violations, plain.violations)
    assert.isAbove(own.changes.length, 0)
    for (const { reason } of own.changes) assert.isAbove(reason.length, 10)
  })

  it("says once which limit held it back", () => {
    const load = web(doubling(280, 900), 1_200)
    const file = Result.getOrThrow(readPolicyFile("web", ownPolicy({ ...load.workload, maxReplicas: 12 }), undefined))
    const reasons = run(load, policyRival(file)).changes.map(({ reason }) => reason)
    const limited = reasons.filter((reason) => reason.includes("TooManyReplicas"))
    assert.isAbove(limited.length, 0)
    for (const reason of limited) assert.strictEqual(reason.split("TooManyReplicas").length, 2, reason)
  })

  it("is the same for the same seed, and begins anew with each load", () => {
    const load = queue((second) => 10 + 8 * Math.sin(second / 100))
    const rival = policyRival(ownFile(load.workload))
    assert.deepStrictEqual(run(load, rival).changes, run(load, rival).changes)
  })

  const engineFile = (engine: string, options: unknown) =>
    readPolicyFile(
      engine,
      JSON.stringify({
        apiVersion: "nimbusguard.io/v1",
        kind: "ScalingPolicy",
        metadata: { name: "shop", namespace: "default" },
        spec: {
          target: { apiVersion: "apps/v1", kind: "Deployment", name: "shop" },
          scaling: { minReplicas: 1, maxReplicas: 40 },
          signals: ["requests", "cpu", "depth", "nats"].map((name) => ({
            name,
            role: "demand",
            prometheus: { serverUrl: "http://prometheus:9090", query: name },
            target: { type: "AverageValue", value: "28" }
          })),
          engines: [{ [engine]: options }]
        }
      }),
      undefined
    )

  it.each(Object.entries(ENGINES))("can be of the engine %s", (name, { example }) => {
    const file = engineFile(name, example)
    if (Result.isFailure(file)) throw new Error(file.failure)
    const { podHours, violations } = run(
      web(() => 200, 900),
      policyRival(file.success)
    )
    assert.isAbove(podHours, 0)
    assert.isAtMost(violations, 1)
  })

  const root = new URL("../fixtures/crd/valid/", import.meta.url).pathname
  it.each(globSync("seed-*.yaml", { cwd: root }).toSorted())("can be the %s, and follows its load", (name) => {
    const file = Result.getOrThrow(readPolicyFile(name, readFileSync(root + name, "utf8"), undefined))
    const isQueue = name.includes("scalingrule")
    const surge = doubling(isQueue ? 20 : 400, 300)
    const load = isQueue ? queue(surge, 1_800) : web(surge, 1_800, { serviceSeconds: 0.03 })
    assert.isTrue(run(load, policyRival(file)).changes.some(({ from, to }) => to > from))
  })
})
