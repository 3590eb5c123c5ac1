// Stock kubectl, the one on the PATH and the pinned one, against the embedded API over its HTTP front.
import { execFile } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ApiServer } from "#cluster/api/ApiServer"
import { metricsOf } from "#cluster/api/builtIn"
import { type Front, listen } from "#cluster/HttpFront"
import { describeWith, runningCluster } from "#test/controlplane/suite"

const root = new URL("../..", import.meta.url).pathname
const SCALER = "scalingpolicy/consumer-workload-ai-scaling"
const POD = {
  metadata: { name: "consumer-workload-0", namespace: "default", creationTimestamp: "2026-01-01T00:00:00Z" },
  timestamp: "2026-01-01T00:00:00Z",
  window: "15s",
  containers: [{ name: "main", usage: { cpu: "250m", memory: "64Mi" } }]
}
const EVENT = {
  apiVersion: "v1",
  kind: "Event",
  metadata: { name: "consumer-workload-ai-scaling.1", namespace: "default" },
  involvedObject: { kind: "ScalingPolicy", name: "consumer-workload-ai-scaling", namespace: "default" },
  reason: "ScaledUp",
  message: "2 to 3",
  type: "Normal"
}

/** One after the other: what is typed, and what has to be printed; `fails`: kubectl ends with another code than 0. */
const SESSION: ReadonlyArray<readonly [typed: string, printed: RegExp, fails?: "fails"]> = [
  ["apply -f manifests/crd/scalingpolicies.nimbusguard.io.yaml", /scalingpolicies\.nimbusguard\.io created/u],
  ["apply --server-side -f manifests/crd/scalingrules.scaling.example.com.yaml", /serverside-applied/u],
  ["create -f manifests/examples/ai/workload.yaml", /deployment\.apps\/consumer-workload created/u],
  ["apply -f manifests/examples/ai/scaler.yaml --dry-run=server", /created \(server dry run\)/u],
  ["apply -f manifests/examples/ai/scaler.yaml", /consumer-workload-ai-scaling created/u],
  ["apply -f manifests/examples/ai/scaler.yaml", /unchanged/u],
  ["diff -f manifests/examples/ai/scaler.yaml", /^$/u],
  ["get scalers -A", /NAMESPACE +NAME +TARGET +MODE +MIN +MAX[\s\S]*Active +1 +10/u],
  ["get deploy -o wide -l app!=none", /consumer-workload +1\/1[\s\S]*app=consumer-workload/u],
  [`get ${SCALER} -o jsonpath={.spec.scaling.maxReplicas}`, /^10$/u],
  [`describe ${SCALER}`, /Kind: +ScalingPolicy[\s\S]*Max Replicas: +10[\s\S]*Events:/u],
  ["events", /ScaledUp +ScalingPolicy\/consumer-workload-ai-scaling/u],
  ["explain scalingpolicy.spec.scaling.maxReplicas", /FIELD: maxReplicas <integer>/u],
  ["api-resources --categories=scalers", /scalingpolicies +scalep +nimbusguard\.io\/v1/u],
  [`patch ${SCALER} --type=merge -p {"spec":{"scaling":{"maxReplicas":12}}}`, /patched/u],
  [`patch ${SCALER} --type=merge -p {"spec":{"scaling":{"maxReplicas":0}}}`, /is invalid:[\s\S]*maxReplicas/u, "fails"],
  ["label deploy/consumer-workload tier=demo", /labeled/u],
  ["annotate deploy/consumer-workload note=demo", /annotated/u],
  ["scale deploy/consumer-workload --replicas=3", /scaled/u],
  ["wait deploy/consumer-workload --for=jsonpath={.spec.replicas}=3 --timeout=20s", /condition met/u],
  ["edit deploy/consumer-workload", /edited/u],
  ["rollout restart deploy/consumer-workload", /restarted/u],
  ["rollout status deploy/consumer-workload --timeout=20s", /successfully rolled out/u],
  ["top pods", /consumer-workload-0 +250m +64Mi/u],
  ["logs consumer-workload-0", /not found|has no log of pods/u, "fails"],
  ["create configmap made --from-literal=a=b", /reads no protobuf|created/u],
  ["delete -f manifests/examples/ai/scaler.yaml --timeout=20s", /deleted/u],
  ["get scalers", /No resources found/u]
]

describeWith(["controlPlane"], "kubectl", () => {
  const folder = mkdtempSync(join(tmpdir(), "nimbusguard-kubectl-"))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  describe.each(["path", "1.36"] as const)("of version %s", (version) => {
    const api = new ApiServer(() => Date.now())
    let front: Front
    beforeAll(async () => {
      api.kinds.define(metricsOf("pods", () => [POD]))
      api.create(EVENT)
      // The Deployment controller, for what a rollout waits for.
      api.store.onCommit(({ object, resource, subresource, type }) => {
        if (resource !== "deployments.apps" || subresource === "status" || type === "DELETED") return
        const { spec, metadata } = object as { spec: { replicas: number }; metadata: { generation: number } }
        const { replicas } = spec
        const done = { replicas, updatedReplicas: replicas, readyReplicas: replicas, availableReplicas: replicas }
        const status = { observedGeneration: metadata.generation, ...done }
        setImmediate(() => api.patch("Deployment", "default", "consumer-workload", { status }, "controller", "status"))
      })
      front = await new Promise<Front>((resolve, reject) => {
        listen(api, { port: 0, onListening: resolve, onError: reject })
      })
      writeFileSync(join(folder, version), kubeconfig(front.url))
    })
    afterAll(() => new Promise<void>((resolve) => front.close(resolve)))

    const kubectl = (typed: string) =>
      new Promise<{ readonly code: number; readonly text: string }>((resolve) => {
        const program =
          version === "path" ? "kubectl" : (runningCluster().address.programs["kubectl-1.36"] ?? "kubectl")
        const env = {
          ...process.env,
          KUBECONFIG: join(folder, version),
          HOME: folder,
          EDITOR: "sed -i s/none/other/;s/1.29/1.30/"
        }
        execFile(program, typed.split(" "), { cwd: root, env, timeout: 60_000 }, (error, stdout, stderr) => {
          resolve({ code: error === null ? 0 : 1, text: `${stdout}${stderr}` })
        })
      })

    it("does what the try-out types, in one session", { timeout: 240_000 }, async () => {
      for (const [typed, printed, fails] of SESSION) {
        const { code, text } = await kubectl(typed)
        const isRight = printed.test(text) && (fails === undefined || code !== 0)
        expect(isRight, `kubectl ${typed}\n${text}`).toBe(true)
      }
    })
  })
})

const kubeconfig = (server: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "embedded", cluster: { server } }],
    users: [{ name: "embedded", user: {} }],
    contexts: [{ name: "embedded", context: { cluster: "embedded", user: "embedded" } }],
    "current-context": "embedded"
  })
