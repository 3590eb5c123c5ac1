/** Every scenario, as data: the API takes its policies, what they name is there, and the seeds' examples are the seeds'. */
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { parse } from "yaml"
import { SCENARIOS } from "#cli/dev/scenarios/index"
import { POLICIES, TARGETS } from "#cli/dev/scenarios/fleet"
import type { Scenario } from "#cli/dev/scenarios/Scenario"
import { type Json, type JsonObject, metadataOf, valueAt } from "#cluster/api/json"
import * as Cluster from "#cluster/Cluster"
import { ENGINES } from "#engines/index"
import { KINDS } from "#schemas/crd/index"
import { SOURCES } from "#sources/index"

const all: ReadonlyArray<readonly [name: string, scenario: Scenario]> = Object.entries(SCENARIOS)

const kindsOf = ({ policies }: Scenario) => policies.map((policy) => policy["kind"])

/** The keys of each in a list: of engines and of signals, which plugs they name. */
const namesIn = (list: Json | undefined) =>
  (Array.isArray(list) ? list : []).flatMap((one: JsonObject) => Object.keys(one))

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
  it.each(KINDS.map(({ kind }) => kind))("have a %s from the first, and say that they have all kinds", (kind) => {
    assert.include(kindsOf(SCENARIOS.default), kind, "write one into src/cli/dev/scenarios/fleet.ts")
  })

  it("have each engine that is built, and none that is not, at work beside the others", () => {
    const named = SCENARIOS["every-engine"].policies.flatMap((policy) => namesIn(valueAt(policy, "spec.engines")))
    const built = Object.values(ENGINES).filter((engine) => engine.built)
    assert.sameMembers(
      [...new Set(named)],
      built.map(({ name }) => name)
    )
  })

  it("have each source, asked by a policy of its own", () => {
    const named = SCENARIOS["every-source"].policies.flatMap((policy) => namesIn(valueAt(policy, "spec.signals")))
    const asked = named.filter((name) => Object.hasOwn(SOURCES, name))
    assert.deepStrictEqual(asked.toSorted(), Object.keys(SOURCES).toSorted())
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
