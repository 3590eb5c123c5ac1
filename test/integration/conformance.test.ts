// The cases of test/conformance against a real kube-apiserver: what the embedded one is held to.
import { Effect } from "effect"
import { request as httpsRequest } from "node:https"
import { afterAll, beforeAll, describe, it } from "vitest"
import { type Api, type Seen, type Sent, WIDGETS } from "#test/conformance/Api"
import { CASES } from "#test/conformance/index"
import { DEFINED } from "#test/conformance/definitions"
import { type Running, WORKLOADS } from "#test/conformance/workloads"
import type { Cluster } from "#test/controlplane/Cluster"
import { eventually } from "#test/controlplane/eventually"
import { describeWith, runningCluster } from "#test/controlplane/suite"

const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

const realApi = (cluster: Cluster, namespace: string): Api => {
  const open = (method: string, path: string, { accept = "application/json", body, contentType }: Sent) => {
    const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body)
    const request = httpsRequest(`${cluster.url}${path}`, {
      method,
      ca: cluster.ca,
      headers: {
        accept,
        authorization: `Bearer ${cluster.address.adminToken}`,
        "user-agent": "conformance",
        ...(text === undefined
          ? {}
          : { "content-type": contentType ?? "application/json", "content-length": String(Buffer.byteLength(text)) })
      }
    })
    request.end(text)
    return request
  }
  return {
    namespace,
    send: (method, path, sent = {}) =>
      new Promise((resolve, reject) => {
        const request = open(method, path, sent)
        request.once("error", reject)
        request.once("response", (response) => {
          const chunks: Array<Buffer> = []
          response.on("data", (chunk: Buffer) => chunks.push(chunk))
          response.once("end", () => {
            const warning = response.headers["warning"]
            const text = Buffer.concat(chunks).toString()
            resolve({
              status: response.statusCode ?? 0,
              body: text.startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : { text },
              warnings: warning === undefined ? [] : [warning].flat()
            })
          })
        })
      }),
    watch: (path, accept) =>
      new Promise((resolve, reject) => {
        const request = open("GET", path, accept === undefined ? {} : { accept })
        request.on("error", reject)
        request.once("response", (response) => {
          const events: Array<Seen> = []
          let rest = ""
          response.setEncoding("utf8").on("data", (chunk: string) => {
            const lines = `${rest}${chunk}`.split("\n")
            rest = lines.pop() ?? ""
            events.push(...lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Seen))
          })
          response.on("error", () => undefined) // closed by us
          resolve({
            close: () => request.destroy(),
            first: async (count) => {
              await eventually(() => events.length >= count, { what: `${count} events`, timeoutMillis: 20_000 })
              return events.slice(0, count)
            }
          })
        })
      })
  }
}

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
