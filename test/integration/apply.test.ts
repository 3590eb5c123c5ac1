// Server-side apply by two managers, at random: the embedded API and a real one must say and store the same at each step.
import { afterAll, assert, beforeAll, it } from "vitest"
import * as Prng from "#simulation/Prng"
import { embeddedApi } from "#test/conformance/EmbeddedApi"
import { APPLY, type Answer, type Api, at, type Json, MERGE, widgets, WIDGETS } from "#test/conformance/Api"
import { realApi } from "#test/conformance/RealApi"
import type { Cluster } from "#test/controlplane/Cluster"
import { eventually } from "#test/controlplane/eventually"
import { describeWith, runningCluster } from "#test/controlplane/suite"

const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
const SEQUENCES = 300
const STEPS = 6
const MANAGERS = ["ann", "ben"]

interface Step {
  readonly kind: "apply" | "force" | "patch"
  readonly manager: string
  readonly spec: Json
}

const subset = <A>(prng: Prng.Prng, values: ReadonlyArray<A>): ReadonlyArray<A> => values.filter(() => prng.chance(0.5))

const specOf = (prng: Prng.Prng, isPatch: boolean): Json => {
  const maybe = (name: string, value: () => unknown): Json => {
    if (!prng.chance(0.45)) return {}
    return { [name]: isPatch && prng.chance(0.3) ? null : value() }
  }
  const part = (name: string): Json => ({
    name,
    ...(prng.chance(0.5) ? { value: String(prng.below(2)) } : {}),
    ...(prng.chance(0.3) ? { note: String(prng.below(2)) } : {})
  })
  return {
    ...maybe("size", () => prng.below(3)),
    ...maybe("most", () => 50 + prng.below(2)),
    ...maybe("mode", () => (prng.chance(0.5) ? "Fast" : "Slow")),
    ...maybe("tags", () => subset(prng, ["x", "y", "z"])),
    ...maybe("atoms", () => subset(prng, ["x", "y"])),
    ...maybe("parts", () => subset(prng, ["a", "b", "c"]).map(part)),
    ...maybe("options", () => Object.fromEntries(subset(prng, ["k", "l"]).map((key) => [key, String(prng.below(2))])))
  }
}

const sequenceOf = (seed: number): ReadonlyArray<Step> => {
  const prng = Prng.make(seed, "apply")
  return Array.from({ length: STEPS }, (_, index) => {
    const draw = index === 0 ? 0 : prng.below(10)
    const kind = draw < 5 ? "apply" : draw < 8 ? "force" : "patch"
    return { kind, manager: MANAGERS[prng.below(2)] ?? "ann", spec: specOf(prng, kind === "patch") }
  })
}

const perform = (api: Api, name: string, { kind, manager, spec }: Step): Promise<Answer> => {
  const query = `?fieldManager=${manager}${kind === "force" ? "&force=true" : ""}`
  const body =
    kind === "patch"
      ? { spec }
      : { apiVersion: "conformance.nimbusguard.io/v1", kind: "Widget", metadata: { name }, spec }
  return api.send("PATCH", `${widgets(api, name)}${query}`, { body, contentType: kind === "patch" ? MERGE : APPLY })
}

/** What both must agree on: the verdict with its conflicts, what is stored, and who owns what. */
const factsOf = ({ body, status }: Answer): Json => {
  if (status >= 300) {
    const causes = (at(body, "details.causes") ?? []) as ReadonlyArray<Json>
    return { status, reason: body["reason"], fields: causes.map(({ field }) => String(field)).toSorted() }
  }
  const entries = (at(body, "metadata.managedFields") ?? []) as ReadonlyArray<Json>
  const owned = entries.map(({ fieldsV1, manager, operation }) => [`${String(manager)} ${String(operation)}`, fieldsV1])
  return { spec: body["spec"], generation: at(body, "metadata.generation"), owned: Object.fromEntries(owned) }
}

describeWith(["controlPlane"], "server-side apply by two managers", () => {
  let cluster: Cluster
  let real: Api
  const namespace = `apply-${process.pid}`

  beforeAll(async () => {
    cluster = runningCluster()
    await cluster.create(CRDS, WIDGETS)
    await cluster.create("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } })
    const served = () => cluster.list("/apis/conformance.nimbusguard.io/v1/widgets")
    await eventually(served, { what: "widgets to be served", timeoutMillis: 30_000 })
    real = realApi(cluster, namespace)
  })
  afterAll(async () => {
    await cluster.delete(`${CRDS}/${WIDGETS.metadata.name}`)
    await cluster.delete(`/api/v1/namespaces/${namespace}`)
    cluster.disconnect()
  })

  it(`goes the same way in ${SEQUENCES} random sequences`, async () => {
    const embedded = embeddedApi(namespace)
    const different: Array<string> = []
    for (let seed = 1; seed <= SEQUENCES; seed++) {
      const steps = sequenceOf(seed)
      for (const [index, step] of steps.entries()) {
        const name = `w${seed}`
        const [wanted, seen] = [await perform(real, name, step), await perform(embedded, name, step)]
        const [one, two] = [JSON.stringify(sorted(factsOf(wanted))), JSON.stringify(sorted(factsOf(seen)))]
        if (one === two) continue
        // A real one may make null of a map or list that is emptied, and then refuse its own null.
        if (wanted.status === 422 && one.includes("<nil>")) break
        const before = steps.slice(0, index + 1).map((done) => `  ${JSON.stringify(done)}`)
        different.push([`seed ${seed}, step ${index + 1}`, ...before, `real     ${one}`, `embedded ${two}`].join("\n"))
        break
      }
    }
    assert.strictEqual(different.length, 0, `${different.length} differ\n${different.slice(0, 8).join("\n\n")}`)
  })
})

/** Keys in one order, lists as they are. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== "object" || value === null) return value
  const entries = Object.entries(value).map(([key, child]) => [key, sorted(child)] as const)
  return Object.fromEntries(entries.toSorted(([one], [two]) => (one < two ? -1 : 1)))
}
