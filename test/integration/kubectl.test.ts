// Stock kubectl, the one on the PATH and the pinned one, against the embedded API over its HTTP front.
import { Effect, Exit, Scope } from "effect"
import { execFile, spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ApiServer } from "#cluster/api/ApiServer"
import { metricsOf } from "#cluster/api/builtIn"
import { run } from "#cluster/controllers/Controllers"
import { type Front, listen } from "#cluster/HttpFront"
import { eventually } from "#test/controlplane/eventually"
import { describeWith, runningCluster } from "#test/controlplane/suite"

const root = new URL("../..", import.meta.url).pathname
const SCALER = "scalingpolicy/consumer-workload-ai-scaling"
const EVENT = {
  apiVersion: "v1",
  kind: "Event",
  metadata: { name: "consumer-workload-ai-scaling.1", namespace: "default" },
  involvedObject: { kind: "ScalingPolicy", name: "consumer-workload-ai-scaling", namespace: "default" },
  reason: "ScaledUp",
  message: "2 to 3",
  type: "Normal"
}

type Step = readonly [typed: string, printed: RegExp, fails?: "fails"]

const DEPLOYMENT = "deploy/consumer-workload"

/** One after the other: what is typed, and what has to be printed; `fails`: kubectl ends with another code than 0. */
const SESSION: ReadonlyArray<Step> = [
  ["version", /Server Version: v1\.\d+/u],
  ["apply -f manifests/crd/scalingpolicies.nimbusguard.io.yaml", /scalingpolicies\.nimbusguard\.io created/u],
  ["apply --server-side -f manifests/crd/scalingrules.scaling.example.com.yaml", /serverside-applied/u],
  ["create -f manifests/examples/ai/workload.yaml", /deployment\.apps\/consumer-workload created/u],
  [`rollout status ${DEPLOYMENT} --timeout=30s`, /successfully rolled out/u],
  ["apply -f manifests/examples/ai/scaler.yaml --dry-run=server", /created \(server dry run\)/u],
  ["apply -f manifests/examples/ai/scaler.yaml", /consumer-workload-ai-scaling created/u],
  ["apply -f manifests/examples/ai/scaler.yaml", /unchanged/u],
  ["diff -f manifests/examples/ai/scaler.yaml", /^$/u],
  ["get scalers -A", /NAMESPACE +NAME +TARGET +MODE +MIN +MAX[\s\S]*Active +1 +10/u],
  ["get deploy -o wide -l app!=none", /consumer-workload +1\/1[\s\S]*app=consumer-workload/u],
  [`get ${SCALER} -o jsonpath={.spec.scaling.maxReplicas}`, /^10$/u],
  [`get ${SCALER} -o yaml`, /maxReplicas: 10/u],
  [`describe ${SCALER}`, /Kind: +ScalingPolicy[\s\S]*Max Replicas: +10[\s\S]*Events:/u],
  [`describe ${DEPLOYMENT}`, /1 available[\s\S]*NewReplicaSetAvailable[\s\S]*Scaled up replica set \S+ from 0 to 1/u],
  ["events", /ScaledUp +ScalingPolicy\/consumer-workload-ai-scaling/u],
  [`events --for ${DEPLOYMENT}`, /ScalingReplicaSet/u],
  ["explain scalingpolicy.spec.scaling.maxReplicas", /FIELD: maxReplicas <integer>/u],
  ["api-resources --categories=scalers", /scalingpolicies +scalep +nimbusguard\.io\/v1/u],
  [`patch ${SCALER} --type=merge -p {"spec":{"scaling":{"maxReplicas":12}}}`, /patched/u],
  [`patch ${SCALER} --type=merge -p {"spec":{"scaling":{"maxReplicas":0}}}`, /is invalid:[\s\S]*maxReplicas/u, "fails"],
  [`label ${DEPLOYMENT} tier=demo`, /labeled/u],
  [`annotate ${DEPLOYMENT} note=demo`, /annotated/u],
  [`scale ${DEPLOYMENT} --replicas=3`, /scaled/u],
  [`wait ${DEPLOYMENT} --for=jsonpath={.status.availableReplicas}=3 --timeout=30s`, /condition met/u],
  ["wait pod -l app=consumer-workload --for=condition=Ready --timeout=30s", /(condition met[\s\S]*){3}/u],
  [`scale ${DEPLOYMENT} --current-replicas=3 --replicas=2`, /scaled/u],
  [`edit ${DEPLOYMENT}`, /edited/u],
  [`rollout status ${DEPLOYMENT} --timeout=30s`, /successfully rolled out/u],
  [`rollout history ${DEPLOYMENT}`, /1 [\s\S]*2 /u],
  [`rollout undo ${DEPLOYMENT}`, /rolled back/u],
  [`rollout restart ${DEPLOYMENT}`, /restarted/u],
  [`rollout status ${DEPLOYMENT} --timeout=30s`, /successfully rolled out/u],
  ["get all", /pod\/consumer-workload-\w+-\w+ +1\/1 +Running[\s\S]*replicaset/u],
  ["get nodes", /node-a +Ready/u],
  ["describe node node-a", /Allocatable:[\s\S]*Non-terminated Pods:/u],
  ["top pods", /consumer-workload-\S+ +250m +64Mi/u],
  ["top nodes", /node-a +500m/u],
  ["cordon node-a", /cordoned/u],
  ["uncordon node-a", /uncordoned/u],
  ["run bare --image=none", /created/u],
  ["wait pod/bare --for=condition=Ready --timeout=30s", /condition met/u],
  ["delete pod bare --timeout=20s", /deleted/u],
  // What this cluster has not: one sentence each.
  [`logs ${DEPLOYMENT}`, /has no log of pods: use a real cluster for it/u, "fails"],
  [`exec ${DEPLOYMENT} -- ls`, /has no exec of pods: use a real cluster for it/u, "fails"],
  [`port-forward ${DEPLOYMENT} 18099:80`, /has no portforward of pods: use a real cluster for it/u, "fails"],
  ["create configmap made --from-literal=a=b", /reads no protobuf: write the ConfigMap to a file|created/u],
  ["create namespace made", /reads no protobuf: write the Namespace to a file|created/u],
  ["create secret generic made --from-literal=a=b", /reads no protobuf: write the Secret to a file|created/u],
  ["auth can-i create deployments", /reads no protobuf: here everybody may do everything|yes/u],
  ["delete -f manifests/examples/ai/scaler.yaml --timeout=20s", /deleted/u],
  ["get scalers", /No resources found/u],
  ["delete deploy --all --cascade=foreground --timeout=20s", /deleted/u],
  ["get deploy,rs,pods", /No resources found/u]
]

/** Watching goes on until it is ended: what is typed, what is done meanwhile, what is then printed. */
const WATCHED: ReadonlyArray<readonly [typed: string, meanwhile: string, printed: RegExp]> = [
  ["get deploy -w", "scale deploy/consumer-workload --replicas=2", /1\/1[\s\S]*1\/2[\s\S]*2\/2/u],
  ["events -w", "scale deploy/consumer-workload --replicas=1", /Scaled down replica set \S+ from 2 to 1/u],
  ["get pods -w -o name", "delete pods --all --wait=false", /(pod\/consumer-workload-\S+\s+){3}/u]
]

describeWith(["controlPlane"], "kubectl", () => {
  const folder = mkdtempSync(join(tmpdir(), "nimbusguard-kubectl-"))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  describe.each(["path", "1.36"] as const)("of version %s", (version) => {
    const api = new ApiServer(() => Date.now())
    const scope = Effect.runSync(Scope.make())
    let front: Front
    beforeAll(async () => {
      const usage = { cpu: "250m", memory: "64Mi" }
      const measured = { timestamp: "2026-01-01T00:00:00Z", window: "15s" }
      api.kinds.define(
        metricsOf("pods", () =>
          api.list("Pod").map(({ metadata = {} }) => ({ metadata, ...measured, containers: [{ name: "main", usage }] }))
        )
      )
      api.kinds.define(
        metricsOf("nodes", () =>
          api.list("Node").map(({ metadata = {} }) => ({ metadata, ...measured, usage: { ...usage, cpu: "500m" } }))
        )
      )
      api.create(EVENT)
      const behaviour = () => ({ startupMillis: 400, fate: { _tag: "Runs" as const } })
      await Effect.runPromise(Scope.provide(run(api, { behaviour }), scope))
      front = await new Promise<Front>((resolve, reject) => {
        listen(api, { port: 0, onListening: resolve, onError: reject })
      })
      writeFileSync(join(folder, version), kubeconfig(front.url))
    })
    afterAll(async () => {
      await Effect.runPromise(Scope.close(scope, Exit.void))
      await new Promise<void>((resolve) => front.close(resolve))
    })

    const program = () =>
      version === "path" ? "kubectl" : (runningCluster().address.programs["kubectl-1.36"] ?? "kubectl")
    const env = {
      ...process.env,
      KUBECONFIG: join(folder, version),
      HOME: folder,
      EDITOR: "sed -i s/none/other/;s/1.29/1.30/"
    }

    const kubectl = (typed: string) =>
      new Promise<{ readonly code: number; readonly text: string }>((resolve) => {
        execFile(program(), typed.split(" "), { cwd: root, env, timeout: 60_000 }, (error, stdout, stderr) => {
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

    it("follows what happens", { timeout: 240_000 }, async () => {
      await kubectl("create -f manifests/examples/ai/workload.yaml")
      await kubectl(`rollout status ${DEPLOYMENT} --timeout=30s`)
      for (const [typed, meanwhile, printed] of WATCHED) {
        const watching = spawn(program(), typed.split(" "), { cwd: root, env })
        let text = ""
        watching.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()))
        try {
          await eventually(() => text !== "", { what: `kubectl ${typed} to begin` })
          const done = await kubectl(meanwhile)
          expect(done.code, done.text).toBe(0)
          await eventually((seen) => (seen(text), printed.test(text)), {
            what: `kubectl ${typed}`,
            timeoutMillis: 30_000
          })
        } finally {
          watching.kill()
        }
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
