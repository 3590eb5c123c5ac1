/** The built-in kinds beside Deployments: what a table shows of each, what is defaulted, what is refused. */
import { assert } from "vitest"
import {
  type Api,
  at,
  type Case,
  deployment,
  deployments,
  type Json,
  MERGE,
  refusal,
  TABLE
} from "#test/conformance/Api"

const pathOf = ({ namespace }: Api, prefix: string, plural: string): string =>
  `${prefix}/namespaces/${namespace}/${plural}`

/** Wide columns in brackets. */
const COLUMNS: ReadonlyArray<readonly [prefix: string, plural: string, columns: string]> = [
  ["/api/v1", "pods", "Name Ready Status Restarts Age [IP] [Node] [Nominated Node] [Readiness Gates]"],
  ["/api/v1", "configmaps", "Name Data Age"],
  ["/api/v1", "secrets", "Name Type Data Age"],
  ["/api/v1", "events", "Last Seen Type Reason Object [Subobject] [Source] Message [First Seen] [Count] [Name]"],
  ["/api/v1", "services", "Name Type Cluster-IP External-IP Port(s) Age [Selector]"],
  ["/apis/apps/v1", "deployments", "Name Ready Up-to-date Available Age [Containers] [Images] [Selector]"],
  ["/apis/apps/v1", "statefulsets", "Name Ready Age [Containers] [Images]"],
  ["/apis/apps/v1", "replicasets", "Name Desired Current Ready Age [Containers] [Images] [Selector]"],
  ["/apis/autoscaling/v2", "horizontalpodautoscalers", "Name Reference Targets MinPods MaxPods Replicas Age"],
  ["/apis/policy/v1", "poddisruptionbudgets", "Name Min Available Max Unavailable Allowed Disruptions Age"],
  ["/apis/coordination.k8s.io/v1", "leases", "Name Holder Age"]
]
const NODE_COLUMNS =
  "Name Status Roles Age Version [Internal-IP] [External-IP] [OS-Image] [Kernel-Version] [Container-Runtime]"

const shownColumns = (table: Json): string =>
  ((table["columnDefinitions"] ?? []) as ReadonlyArray<Json>)
    .map(({ name, priority }) => (priority === 0 ? String(name) : `[${String(name)}]`))
    .join(" ")

/** The cells of the only row, by column; ages are never the same twice. */
const cellsOf = async (api: Api, path: string): Promise<Json> => {
  const { body } = await api.send("GET", path, { accept: TABLE })
  const columns = (body["columnDefinitions"] ?? []) as ReadonlyArray<Json>
  const [row = {}] = (body["rows"] ?? []) as ReadonlyArray<Json>
  const cells = (row["cells"] ?? []) as ReadonlyArray<unknown>
  const named = columns.map(({ name }, index) => [String(name), cells[index]] as const)
  return Object.fromEntries(named.filter(([name]) => name !== "Age"))
}

const statefulSet = (name: string): Json => ({
  ...deployment(name),
  kind: "StatefulSet",
  spec: { ...deployment(name).spec, serviceName: name }
})

export const kinds: ReadonlyArray<Case> = [
  {
    title: "names the columns of each kind as people know them",
    run: async (api) => {
      for (const [prefix, plural, columns] of COLUMNS) {
        const { body } = await api.send("GET", pathOf(api, prefix, plural), { accept: TABLE })
        assert.strictEqual(shownColumns(body), columns, plural)
      }
      const nodes = await api.send("GET", "/api/v1/nodes", { accept: TABLE })
      assert.strictEqual(shownColumns(nodes.body), NODE_COLUMNS)
      const namespaces = await api.send("GET", "/api/v1/namespaces", { accept: TABLE })
      assert.strictEqual(shownColumns(namespaces.body), "Name Status Age")
    }
  },
  {
    title: "keeps a StatefulSet with its defaults, shows it in a row, and scales it",
    run: async (api) => {
      const path = pathOf(api, "/apis/apps/v1", "statefulsets")
      const made = await api.send("POST", path, { body: statefulSet("db") })
      assert.strictEqual(made.status, 201, JSON.stringify(made.body))
      assert.deepInclude(made.body["spec"], {
        podManagementPolicy: "OrderedReady",
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
        revisionHistoryLimit: 10,
        replicas: 0
      })
      assert.strictEqual(at(made.body, "metadata.generation"), 1)
      assert.deepStrictEqual(await cellsOf(api, `${path}/db`), {
        Name: "db",
        Ready: "0/0",
        Containers: "main",
        Images: "none"
      })
      const scale = await api.send("GET", `${path}/db/scale`)
      assert.deepStrictEqual([scale.body["spec"], scale.body["status"]], [{}, { replicas: 0, selector: "app=db" }])
    }
  },
  {
    title: "keeps a PodDisruptionBudget, and one of two bounds that are a number or a share",
    run: async (api) => {
      const path = pathOf(api, "/apis/policy/v1", "poddisruptionbudgets")
      const budget = (name: string, spec: Json) => ({
        apiVersion: "policy/v1",
        kind: "PodDisruptionBudget",
        metadata: { name },
        spec: { selector: { matchLabels: { app: "none" } }, ...spec }
      })
      const made = await api.send("POST", path, { body: budget("a", { minAvailable: "50%" }) })
      assert.deepStrictEqual([made.status, at(made.body, "metadata.generation")], [201, 1])
      assert.deepStrictEqual(await cellsOf(api, `${path}/a`), {
        Name: "a",
        "Min Available": "50%",
        "Max Unavailable": "N/A",
        "Allowed Disruptions": 0
      })
      const both = await api.send("POST", path, { body: budget("b", { minAvailable: 1, maxUnavailable: 1 }) })
      assert.deepStrictEqual(refusal(both), { status: 422, reason: "Invalid", fields: ["spec FieldValueInvalid"] })
      const odd = await api.send("POST", path, { body: budget("b", { maxUnavailable: "some" }) })
      const fields = ["spec.maxUnavailable FieldValueInvalid"]
      assert.deepStrictEqual(refusal(odd), { status: 422, reason: "Invalid", fields })
      const changed = await api.send("PATCH", `${path}/a`, { body: { spec: { minAvailable: 2 } }, contentType: MERGE })
      assert.deepStrictEqual([changed.status, at(changed.body, "metadata.generation")], [200, 2])
    }
  },
  {
    title: "keeps a HorizontalPodAutoscaler with its defaults, and refuses bounds that cross",
    run: async (api) => {
      const path = pathOf(api, "/apis/autoscaling/v2", "horizontalpodautoscalers")
      const hpa = (name: string, spec: Json) => ({
        apiVersion: "autoscaling/v2",
        kind: "HorizontalPodAutoscaler",
        metadata: { name },
        spec: { scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "none" }, maxReplicas: 5, ...spec }
      })
      const cpu = {
        type: "Resource",
        resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } }
      }
      const made = await api.send("POST", path, { body: hpa("a", { metrics: [cpu] }) })
      assert.strictEqual(made.status, 201)
      assert.strictEqual(at(made.body, "spec.minReplicas"), 1)
      assert.isUndefined(at(made.body, "metadata.generation"))
      assert.deepStrictEqual(await cellsOf(api, `${path}/a`), {
        Name: "a",
        Reference: "Deployment/none",
        Targets: "cpu: <unknown>/50%",
        MinPods: "1",
        MaxPods: 5,
        Replicas: 0
      })
      const crossed = await api.send("POST", path, { body: hpa("b", { minReplicas: 6 }) })
      assert.deepStrictEqual(refusal(crossed), {
        status: 422,
        reason: "Invalid",
        fields: ["spec.maxReplicas FieldValueInvalid"]
      })
      const zero = await api.send("POST", path, { body: hpa("c", { maxReplicas: 0 }) })
      assert.include(refusal(zero).fields, "spec.maxReplicas FieldValueInvalid")
      const floor = await api.send("PATCH", `${path}/a`, { body: { spec: { minReplicas: 3 } }, contentType: MERGE })
      assert.deepStrictEqual([floor.status, at(floor.body, "spec.minReplicas")], [200, 3])
    }
  },
  {
    title: "gives a Lease to whoever has read its last version",
    run: async (api) => {
      const path = pathOf(api, "/apis/coordination.k8s.io/v1", "leases")
      const spec = { holderIdentity: "a", leaseDurationSeconds: 15, renewTime: "2026-01-01T00:00:00.000000Z" }
      const body = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name: "l" }, spec }
      const made = await api.send("POST", path, { body })
      assert.strictEqual(made.status, 201)
      assert.deepStrictEqual(made.body["spec"], spec)
      const taken = await api.send("PUT", `${path}/l`, {
        body: { ...made.body, spec: { ...spec, holderIdentity: "b", leaseTransitions: 1 } }
      })
      assert.deepStrictEqual([taken.status, at(taken.body, "spec.holderIdentity")], [200, "b"])
      const late = await api.send("PUT", `${path}/l`, {
        body: { ...made.body, spec: { ...spec, holderIdentity: "c" } }
      })
      assert.strictEqual(late.status, 409)
      assert.deepStrictEqual(await cellsOf(api, `${path}/l`), { Name: "l", Holder: "b" })
      const none = await api.send("POST", path, {
        body: { ...body, metadata: { name: "m" }, spec: { ...spec, leaseDurationSeconds: 0 } }
      })
      assert.deepStrictEqual(refusal(none), {
        status: 422,
        reason: "Invalid",
        fields: ["spec.leaseDurationSeconds FieldValueInvalid"]
      })
    }
  },
  {
    title: "keeps a Node with its status apart, and marks it as cordoned",
    run: async (api) => {
      const name = `${api.namespace}-node`
      const labels = { "node-role.kubernetes.io/worker": "", conformance: "yes" }
      const body = { apiVersion: "v1", kind: "Node", metadata: { name, labels } }
      const path = `/api/v1/nodes/${name}`
      assert.strictEqual((await api.send("POST", "/api/v1/nodes", { body })).status, 201)
      const status = {
        conditions: [{ type: "Ready", status: "True", reason: "KubeletReady", message: "ok" }],
        addresses: [{ type: "InternalIP", address: "10.9.9.9" }],
        allocatable: { cpu: "2", memory: "4Gi" },
        nodeInfo: {
          kubeletVersion: "v1.36.3",
          osImage: "none",
          kernelVersion: "6",
          architecture: "amd64",
          containerRuntimeVersion: "none://1"
        }
      }
      const told = await api.send("PATCH", `${path}/status`, { body: { status }, contentType: MERGE })
      assert.strictEqual(told.status, 200, JSON.stringify(told.body))
      const cordoned = await api.send("PATCH", path, { body: { spec: { unschedulable: true } }, contentType: MERGE })
      assert.deepStrictEqual(
        [at(cordoned.body, "spec.unschedulable"), at(cordoned.body, "status.allocatable.cpu")],
        [true, "2"]
      )
      assert.deepStrictEqual(await cellsOf(api, path), {
        Name: name,
        Status: "Ready,SchedulingDisabled",
        Roles: "worker",
        Version: "v1.36.3",
        "Internal-IP": "10.9.9.9",
        "External-IP": "<none>",
        "OS-Image": "none",
        "Kernel-Version": "6 (amd64)",
        "Container-Runtime": "none://1"
      })
      const chosen = await api.send("GET", "/api/v1/nodes?fieldSelector=spec.unschedulable%3Dtrue")
      assert.include(JSON.stringify(chosen.body["items"]), name)
      assert.strictEqual((await api.send("DELETE", path)).status, 200)
    }
  },
  {
    title: "scales nothing where /scale says what is so already",
    run: async (api) => {
      await api.send("POST", deployments(api), { body: deployment("d") })
      const scaled = await api.send("PATCH", deployments(api, "d/scale"), {
        body: { spec: { replicas: 0 } },
        contentType: MERGE
      })
      assert.strictEqual(scaled.status, 200)
      assert.strictEqual(at((await api.send("GET", deployments(api, "d"))).body, "metadata.generation"), 1)
    }
  }
]
