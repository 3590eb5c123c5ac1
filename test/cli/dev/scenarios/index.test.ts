/** Every scenario, as data: the API takes its policies, what they name is there, and the seeds' examples are the seeds'. */
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { parse } from "yaml"
import { SCENARIOS } from "#cli/dev/scenarios/index"
import { POLICIES, TARGETS } from "#cli/dev/scenarios/fleet"
import type { Scenario } from "#cli/dev/scenarios/Scenario"
import { metadataOf, valueAt } from "#cluster/api/json"
import * as Cluster from "#cluster/Cluster"
import { ENGINES } from "#engines/index"
import { KINDS } from "#schemas/crd/index"
import { SOURCES } from "#sources/index"

const all: ReadonlyArray<readonly [name: string, scenario: Scenario]> = Object.entries(SCENARIOS)

const kindsOf = ({ policies }: Scenario) => policies.map((policy) => policy["kind"])

const targetsOf = ({ policies, workloads }: Scenario) =>
  policies.flatMap((policy) => {
    const labels = valueAt(policy, "spec.target_labels")
    const named = ["spec.target.name", "spec.targetRef.name", "spec.deploymentName"].map((path) =>
      valueAt(policy, path)
    )
    const labelled = workloads.filter((each) => JSON.stringify(each.labels) === JSON.stringify(labels))
    return labels === undefined ? named.filter((name) => name !== undefined) : labelled.map(({ name }) => name)
  })

describe.each(all)("the scenario %s", (_, scenario) => {
  it.effect("is taken by the API server as it stands, defaults, rules and all", () =>
    Effect.gen(function* () {
      const { api } = yield* Cluster.make({ seed: 1, workloads: scenario.workloads })
      for (const policy of scenario.policies) assert.isString(metadataOf(api.create(policy))["uid"])
    })
  )

  it("scales each of its workloads by one policy, and nothing else", () => {
    assert.deepStrictEqual(
      targetsOf(scenario).map(String).toSorted(),
      scenario.workloads.map(({ name }) => name).toSorted()
    )
  })

  it("tells its events in order, of workloads that it has, and begins anew only after the last", () => {
    const { againAfterSeconds = Infinity, events = [] } = scenario
    const times = events.map(({ atSeconds }) => atSeconds)
    assert.deepStrictEqual(
      times,
      times.toSorted((left, right) => left - right)
    )
    assert.isBelow(times.at(-1) ?? 0, againAfterSeconds)
    for (const { deed } of events) {
      if ("workload" in deed)
        assert.include(
          scenario.workloads.map(({ name }) => name),
          deed.workload
        )
    }
  })
})

describe("the scenarios", () => {
  it("have policies of all kinds", () => {
    assert.includeMembers(
      kindsOf(SCENARIOS.default),
      KINDS.map(({ kind }) => kind)
    )
  })

  it("have a policy for each engine that is built", () => {
    const built = Object.values(ENGINES).filter((engine) => engine.built)
    assert.strictEqual(SCENARIOS["every-engine"].policies.length, built.length)
  })

  it("have a policy for each source", () => {
    assert.strictEqual(SCENARIOS["every-source"].policies.length, Object.keys(SOURCES).length)
  })

  it("have what the seeds' words for load mean", () => {
    const names = SCENARIOS.default.workloads.map(({ name }) => name)
    assert.includeMembers(names, Object.values(TARGETS))
  })

  it.each(["ai", "http-service", "worker-service"])(
    "have the example of manifests/examples/%s word for word",
    (folder) => {
      const path = new URL(`../../../../manifests/examples/${folder}/scaler.yaml`, import.meta.url)
      const example = parse(readFileSync(path, "utf8")) as { readonly metadata: { readonly name: string } }
      const own = POLICIES.find((policy) => metadataOf(policy)["name"] === example.metadata.name)
      assert.deepStrictEqual(own, example)
    }
  )
})
