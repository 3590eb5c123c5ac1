import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Kubernetes, KubernetesError } from "#services/Kubernetes"
import { currency, installCrds, VERSION_ANNOTATION } from "#services/crdInstallation"

interface Stored {
  readonly metadata: { readonly annotations?: Record<string, string> }
  readonly spec?: unknown
  readonly status?: unknown
}

/** CRDs by name; a new one is established at its third reading. */
const layerCluster = (crds: Map<string, Stored>) => {
  const reads = new Map<string, number>()
  return Layer.mock(Kubernetes)({
    request: ({ method, path, body }) =>
      Effect.suspend(() => {
        const name = path.slice(path.lastIndexOf("/") + 1)
        if (method === "PATCH") {
          crds.set(name, body as Stored)
          return Effect.succeed(body)
        }
        const found = crds.get(name)
        if (found === undefined) {
          return Effect.fail(new KubernetesError({ reason: { _tag: "NotFound" }, request: path, detail: "" }))
        }
        const count = (reads.get(name) ?? 0) + 1
        reads.set(name, count)
        // As a real API server has it: nothing at first, then False, then True.
        const status = {
          conditions: count === 1 ? null : [{ type: "Established", status: count > 2 ? "True" : "False" }]
        }
        return Effect.succeed({ ...found, status })
      })
  })
}

const document = (name: string) => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name },
  spec: { fields: "of 1.2.0" }
})

const installed = (version: string | undefined): Stored => ({
  metadata: { annotations: version === undefined ? {} : { [VERSION_ANNOTATION]: version } },
  spec: { fields: `of ${version}` }
})

const install = Effect.fnUntraced(function* (names: ReadonlyArray<string>, crds: Map<string, Stored>) {
  const installing = yield* installCrds(names.map(document), "1.2.0").pipe(
    Effect.provide(layerCluster(crds)),
    Effect.forkChild({ startImmediately: true })
  )
  yield* TestClock.adjust("1 second")
  yield* Fiber.join(installing)
})

describe("installing CRDs", () => {
  const cases: ReadonlyArray<[title: string, before: Stored | undefined, spec: string]> = [
    ["makes one that is not there", undefined, "of 1.2.0"],
    ["brings an older one up to date", installed("1.1.9"), "of 1.2.0"],
    ["takes over one that somebody applied by hand", installed(undefined), "of 1.2.0"],
    ["leaves a newer one alone", installed("1.10.0"), "of 1.10.0"]
  ]
  for (const [title, before, spec] of cases) {
    it.effect(title, () =>
      Effect.gen(function* () {
        const crds = new Map(before === undefined ? [] : [["a.example", before]])
        yield* install(["a.example"], crds)
        assert.deepStrictEqual(crds.get("a.example")?.spec, { fields: spec })
      })
    )
  }

  it.effect("writes its version into each of them, and waits until they are served", () =>
    Effect.gen(function* () {
      const crds = new Map<string, Stored>()
      yield* install(["a.example", "b.example"], crds)
      assert.deepStrictEqual(
        [...crds.values()].map(({ metadata }) => metadata.annotations),
        [{ [VERSION_ANNOTATION]: "1.2.0" }, { [VERSION_ANNOTATION]: "1.2.0" }]
      )
    })
  )
})

describe("the version of an installed CRD", () => {
  const cases = [
    ["1.2.0", "current"],
    ["1.2", "current"],
    ["1.2.0-rc.1", "current"],
    ["1.1.99", "older"],
    ["0.9", "older"],
    ["1.2.1", "newer"],
    ["1.10.0", "newer"],
    ["2", "newer"],
    ["nonsense", "older"]
  ] as const
  for (const [version, expected] of cases) {
    it(`${version} is ${expected} beside 1.2.0`, () =>
      assert.strictEqual(currency({ [VERSION_ANNOTATION]: version }, "1.2.0"), expected))
  }

  it("can be unknown", () => assert.strictEqual(currency(undefined, "1.2.0"), "unversioned"))
})
