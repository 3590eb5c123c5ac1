import { Effect, Layer } from "effect"
import { assert, describe, it } from "@effect/vitest"
import { resolveHome } from "#services/Home"
import { homeNamespace } from "#services/homeNamespace"
import { KubernetesAccess } from "#services/KubernetesAccess"
import { layerCluster, notFound, type Reply, unreachable } from "#test/cli/doctor/world"

const forbidden: Reply = { _tag: "Forbidden" }

/** What each attempt to find the namespace ends with, against an API server that says these one after the other. */
const found = (replies: ReadonlyArray<Reply>, settings = { inCluster: false, podNamespace: "nimbusguard" }) => {
  let asked = 0
  const cluster = layerCluster(({ path }) => {
    assert.strictEqual(path, "/api/v1/namespaces/nimbusguard")
    return replies[asked++] ?? assert.fail("asked once too often")
  })
  const access = Layer.mock(KubernetesAccess)({
    cluster: { server: "https://k", context: "c", namespace: "mine", proxyUrl: undefined, insecure: false }
  })
  return Effect.gen(function* () {
    const home = yield* homeNamespace(settings)
    return yield* Effect.forEach([1, 2, 3], () => Effect.orElseSucceed(resolveHome(home), () => "failed"))
  }).pipe(Effect.provide([cluster, access]))
}

describe("the operator's own namespace", () => {
  it.effect.each([
    { title: "the installed operator's, where there is one", replies: [{ body: {} }], want: "nimbusguard" },
    { title: "the context's, where there is none", replies: [notFound], want: "mine" },
    { title: "the installed operator's, where nobody may look", replies: [forbidden], want: "nimbusguard" }
  ])("outside a cluster is $title, and stays that", ({ replies, want }) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* found(replies), [want, want, want])
    })
  )

  it.effect("is not guessed while the API server is away, but asked for again", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* found([unreachable, unreachable, notFound]), ["failed", "failed", "mine"])
    })
  )

  it.effect("is not asked for in a cluster, nor where a setting says it", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* found([], { inCluster: true, podNamespace: "nimbusguard" }))[0], "nimbusguard")
      assert.strictEqual((yield* found([], { inCluster: false, podNamespace: "ops" }))[0], "ops")
    })
  )
})
