// The cases of test/conformance against a real kube-apiserver: what the embedded one is held to.
import { Effect } from "effect"
import { afterAll, beforeAll, describe, it } from "vitest"
import { type Api, WIDGETS } from "#test/conformance/Api"
import { CASES } from "#test/conformance/index"
import { realApi } from "#test/conformance/RealApi"
import { DEFINED } from "#test/conformance/definitions"
import { type Running, WORKLOADS } from "#test/conformance/workloads"
import type { Cluster } from "#test/controlplane/Cluster"
import { eventually } from "#test/controlplane/eventually"
import { describeWith, runningCluster } from "#test/controlplane/suite"

const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

describeWith(["controlPlane"], "a real API server", () => {
  let cluster: Cluster
  const made: Array<string> = []
  let count = 0

  beforeAll(async () => {
    cluster = runningCluster()
    await cluster.create(CRDS, WIDGETS)
    const served = () => cluster.list("/apis/conformance.nimbusguard.io/v1/widgets")
    await eventually(served, { what: "widgets to be served", timeoutMillis: 30_000 })
  })
  afterAll(async () => {
    await cluster.delete(`${CRDS}/${WIDGETS.metadata.name}`)
    for (const namespace of made) await cluster.delete(`/api/v1/namespaces/${namespace}`)
    cluster.disconnect()
  })

  const inNamespace = async (): Promise<Api> => {
    const namespace = `conformance-${process.pid}-${++count}`
    await cluster.create("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } })
    made.push(namespace)
    return realApi(cluster, namespace)
  }

  describe.each(Object.entries(CASES))("%s", (_, cases) => {
    it.each(cases)("$title", async ({ run }) => run(await inNamespace()))
  })

  describe("in time, with controllers, and kwok for the kubelet", () => {
    it.each([...WORKLOADS, ...DEFINED])("$title", async ({ run }) => {
      const { namespace, send } = await inNamespace()
      const running: Running = {
        namespace,
        send: (method, path, sent) => Effect.promise(() => send(method, path, sent)),
        until: (what, path, isSo) =>
          Effect.promise(() =>
            eventually(
              async (seen) => {
                const answer = await send("GET", path)
                seen(answer.body)
                return answer.status === 200 && isSo(answer.body) ? answer : undefined
              },
              { what, timeoutMillis: 60_000 }
            )
          )
      }
      await Effect.runPromise(run(running))
    })
  })
})
