// What a person sees who follows the operator with kubectl, curl and Prometheus: columns, descriptions, Events, probes,
// pages and metrics, by the names that the seeds gave them.
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { Cluster } from "#test/controlplane/Cluster"
import { ControlPlane } from "#test/controlplane/ControlPlane"
import { eventually } from "#test/controlplane/eventually"
import { Exporter } from "#test/controlplane/Exporter"
import { FaultProxy } from "#test/controlplane/FaultProxy"
import { freePort } from "#test/controlplane/Processes"
import { PrometheusServer } from "#test/controlplane/PrometheusServer"
import { describeWith, runningCluster } from "#test/controlplane/suite"
import { installOperator, OperatorProcess } from "./OperatorProcess.ts"
import { conditionOf, follow, type Followed, gaugePolicy, replicasOf } from "./policies.ts"

/** The rows of a kubectl table by their first cell. */
const rowsOf = (table: string): ReadonlyMap<string, ReadonlyArray<string>> =>
  new Map(
    table
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map((line) => line.trim().split(/ {2,}/))
      .map((cells) => [cells[0] ?? "", cells])
  )

describeWith(["controlPlane", "prometheus"], "what a person sees", () => {
  let cluster: Cluster
  let namespace: string
  let exporter: Exporter
  let prometheus: PrometheusServer
  let proxy: FaultProxy
  let operator: OperatorProcess
  let web: Followed

  beforeAll(async () => {
    cluster = runningCluster()
    namespace = await cluster.newNamespace("surface")
    exporter = await Exporter.start()
    exporter.set("load_web", 30)
    prometheus = await PrometheusServer.start({ targets: [exporter.target] })
    proxy = await FaultProxy.start({ upstream: prometheus.url })
    const home = await installOperator(cluster)
    operator = await OperatorProcess.start({ cluster, home, watch: namespace })
    await cluster.createDeployment(namespace, "web", 2)
    await cluster.createDeployment(namespace, "shop", 2, { labels: { tier: "shop" } })
    await cluster.createDeployment(namespace, "orders", 2)
    await cluster.createDeployment(namespace, "api", 2)
    web = await follow(cluster, namespace, gaugePolicy({ name: "web", serverUrl: proxy.url, query: "load_web" }))
    const others = [
      {
        apiVersion: "nimbusguard.io/v1alpha1",
        kind: "IntelligentScaling",
        metadata: { name: "shops" },
        spec: {
          target_labels: { tier: "shop" },
          max_replicas: 4,
          metrics_config: {
            prometheus_url: proxy.url,
            metrics: [{ query: "vector(8)", threshold: 10, condition: "gt" }]
          }
        }
      },
      {
        apiVersion: "scaling.example.com/v1",
        kind: "ScalingRule",
        metadata: { name: "orders" },
        spec: {
          deploymentName: "orders",
          namespace,
          minReplicas: 1,
          maxReplicas: 5,
          natsMonitoringURL: `http://127.0.0.1:${await freePort()}`,
          subject: "orders.new",
          scaleUpThreshold: 50,
          scaleDownThreshold: 10,
          pollIntervalSeconds: 30
        }
      },
      {
        apiVersion: "autoscaling.generalscaler.io/v1alpha1",
        kind: "GeneralScaler",
        metadata: { name: "api" },
        spec: {
          targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "api" },
          maxReplicas: 6,
          metric: { type: "prometheus", targetValue: 100, prometheus: { serverUrl: proxy.url, query: "vector(100)" } }
        }
      }
    ]
    const followed = await Promise.all(others.map((each) => follow(cluster, namespace, each)))
    await cluster.deploymentReady(namespace, "web", 3)
    for (const each of [web, ...followed]) await each.untilPhase(each.name === "orders" ? "Learning" : "Active")
    await web.until("to be settled", ({ currentReplicas }) => currentReplicas === 3)
  })
  afterAll(async () => {
    await operator?.stop()
    await proxy?.close()
    await prometheus?.stop()
    await exporter?.close()
    await cluster?.deleteNamespace(namespace)
    cluster?.disconnect()
  })

  const kubectl = async (...args: ReadonlyArray<string>): Promise<string> =>
    (await cluster.kubectl([...args, "-n", namespace])).stdout

  describe("with kubectl", () => {
    it("lists all four kinds by one word, with the columns that matter", async () => {
      const rows = rowsOf(await kubectl("get", "scalers"))
      const header = ["TARGET", "MODE", "MIN", "MAX", "CURRENT", "DESIRED", "READY", "AGE"]
      expect(rows.get("NAME")).toEqual(["NAME", ...header])
      const row = (name: string) => rows.get(name)?.slice(1, -1)
      expect(row("scalingpolicy.nimbusguard.io/web")).toEqual(["Deployment/web", "Active", "1", "10", "3", "3", "True"])
      expect(row("intelligentscaling.nimbusguard.io/shops")).toEqual([
        "Deployment/shop",
        "Active",
        "1",
        "4",
        "2",
        "2",
        "True"
      ])
      expect(row("scalingrule.scaling.example.com/orders")).toEqual([
        "Deployment/orders",
        "Active",
        "1",
        "5",
        "2",
        "2",
        "True"
      ])
      expect(row("generalscaler.autoscaling.generalscaler.io/api")).toEqual([
        "Deployment/api",
        "Active",
        "1",
        "6",
        "2",
        "2",
        "True"
      ])
    })

    it("adds phase, reason and the last scaling in the wide table", async () => {
      const rows = rowsOf(await kubectl("get", "scalep", "-o", "wide"))
      expect(rows.get("NAME")).toEqual([
        "NAME",
        "TARGET",
        "MODE",
        "MIN",
        "MAX",
        "CURRENT",
        "DESIRED",
        "READY",
        "AGE",
        "PHASE",
        "REASON",
        "LAST SCALE"
      ])
      expect(rows.get("web")?.slice(9, 11)).toEqual(["Active", "PolicyActive"])
      expect(rows.get("web")?.[11]).toMatch(/^\d+[smh]/)
    })

    it.each([
      ["scalep", "web"],
      ["scalingpolicies", "web"],
      ["iscale", "shops"],
      ["intelligentscaling", "shops"],
      ["srule", "orders"],
      ["scalingrules", "orders"],
      ["gscaler", "api"],
      ["generalscalers", "api"]
    ])("knows %s", async (word, name) => {
      expect(await kubectl("get", word, "-o", "name")).toMatch(new RegExp(`/${name}\\n$`))
    })

    it("describes a policy with its conditions, its decision and its Events", async () => {
      const text = await eventually(
        async (seen) => {
          const told = await kubectl("describe", "scalingpolicy", "web")
          seen(told)
          return told.includes("ScaledUp") ? told : undefined
        },
        { what: "the Event of the scaling in kubectl describe" }
      )
      expect(text).toMatch(/Type: +Ready/)
      expect(text).toMatch(/Reason: +PolicyActive/)
      expect(text).toMatch(/Phase: +Active/)
      expect(text).toMatch(/Reasoning: +\S/)
      expect(text).toMatch(/Normal +ScaledUp .*Scaled Deployment\/web up from 2 to 3: \S/)
      const general = await kubectl("describe", "generalscaler", "api")
      expect(general).toMatch(/Reason: +PolicyActive/)
    })

    it.each(["scalingpolicy", "intelligentscaling", "scalingrule", "generalscaler"])(
      "explains every field of a %s",
      async (kind) => {
        const text = await kubectl("explain", `${kind}.spec`)
        expect(text).not.toContain("<no description>")
        expect(text).toMatch(/mode\s+<string>/)
        const status = await kubectl("explain", `${kind}.status`)
        expect(status).not.toContain("<no description>")
        expect(status).toMatch(/phase\s+<string>/)
      }
    )

    it("explains a single field in a sentence", async () => {
      const text = await kubectl("explain", "scalingpolicy.spec.scaling.cooldownPeriod")
      expect(text).toContain("Seconds after any scaling in which nothing is scaled down")
    })

    it("finds in the object what the seeds say is in it", async () => {
      const { status = {} } = JSON.parse(await kubectl("get", "scalingpolicy", "web", "-o", "json")) as {
        status?: object
      }
      expect(status).toMatchObject({
        phase: "Active",
        currentReplicas: 3,
        targetReplicas: 3,
        lastScalingTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        lastDecision: {
          action: expect.stringMatching(/^(scale_up|scale_down|no_action)$/),
          confidence: 1,
          reasoning: expect.stringContaining("load"),
          engine: "target"
        },
        metrics: { successRate: 1 },
        signals: [{ name: "load", value: "30", target: "10", proposal: 3 }],
        conditions: expect.arrayContaining([
          expect.objectContaining({ type: "Ready", status: "True", reason: "PolicyActive", observedGeneration: 1 })
        ])
      })
    })
  })

  describe("with curl", () => {
    it.each(["/healthz", "/livez", "/ready", "/readyz"])("is answered by the probe %s", async (path) => {
      const { contentType, status, text } = await operator.get(`${operator.probeUrl}${path}`)
      expect(status).toBe(200)
      expect(contentType).toContain("application/json")
      expect(JSON.parse(text)).toMatchObject({
        status: "ok",
        leader: { leading: true },
        components: { kubernetes: { healthy: true }, prometheus: { healthy: true }, decision_engine: { healthy: true } }
      })
    })

    it("reads metrics on the metrics port and on the probe port", async () => {
      for (const url of [operator.metricsUrl, operator.probeUrl]) {
        const { contentType, status, text } = await operator.get(`${url}/metrics`)
        expect(status).toBe(200)
        expect(contentType).toMatch(/^text\/plain; version=0\.0\.4/)
        expect(text).toContain("# TYPE nimbusguard_scaling_operations_total counter")
      }
    })

    it("reads what was scaled, newest first, at /scaling-activity", async () => {
      const all = await operator.activity()
      const times = all.map(({ timestamp }) => Date.parse(timestamp))
      expect(times).toEqual(times.toSorted((a, b) => b - a))
      const [first] = await operator.activityOf(namespace, "web")
      expect(first).toMatchObject({
        namespace,
        deployment: "web",
        kind: "Deployment",
        action: "scale_up",
        oldReplicas: 2,
        newReplicas: 3,
        outcome: "Scaled",
        rule: "web",
        ruleKind: "ScalingPolicy",
        engine: "target",
        limitedBy: []
      })
      expect(first?.reason).toContain("load")
    })

    it("sees a page for people at / and health at /health", async () => {
      const page = await operator.get(`${operator.dashboardUrl}/`)
      expect(page.status).toBe(200)
      expect(page.contentType).toContain("text/html")
      expect(page.text).toMatch(/<script[^>]* src="/u)
      const fleet = await operator.get(`${operator.dashboardUrl}/api/v1/fleet`)
      expect(JSON.parse(fleet.text).rows).toContainEqual(expect.objectContaining({ namespace, name: "web" }))
      const health = await operator.get(`${operator.dashboardUrl}/health`)
      expect(health.status).toBe(200)
      expect(JSON.parse(health.text)).toMatchObject({ status: "ok" })
    })

    it("wakes a policy by an event of its service, which looks and decides as always", async () => {
      const trigger = (body: object) =>
        operator.get(`${operator.probeUrl}/api/v1/events/trigger`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(body)
        })
      exporter.set("load_sleeper", 20)
      await eventually(async () => (await prometheus.query("load_sleeper")).length === 1, { what: "the gauge" })
      await cluster.createDeployment(namespace, "sleeper", 2)
      const sleeper = await follow(
        cluster,
        namespace,
        gaugePolicy({ name: "sleeper", serverUrl: proxy.url, query: "load_sleeper", spec: { interval: "1h" } })
      )
      await sleeper.untilPhase("Active")
      const event = { event_type: "high_cpu_usage", service: "sleeper", value: 90 }
      // It never scales by itself: the load is what the policy wants.
      const before = await operator.decisionsOf(sleeper)
      const calm = await trigger(event)
      expect(calm.status).toBe(202)
      expect(JSON.parse(calm.text)).toMatchObject({ woke: 1, matched: 1 })
      await operator.untilDecisions(sleeper, before + 1)
      exporter.set("load_sleeper", 40)
      await eventually(async () => (await prometheus.query("load_sleeper"))[0]?.value[1] === "40", { what: "the load" })
      expect(await replicasOf(cluster, namespace, "sleeper")).toBe(2)
      await eventually(async () => (JSON.parse((await trigger(event)).text) as { woke: number }).woke === 1, {
        what: "the event to wake the policy"
      })
      await cluster.deploymentReady(namespace, "sleeper", 4)

      expect(JSON.parse((await trigger({ ...event, service: "nobody" })).text)).toMatchObject({ woke: 0, matched: 0 })
      expect((await trigger({ service: "sleeper" })).status).toBe(400)
    })
  })

  describe("in Prometheus", () => {
    it("finds the seeds' metrics by their names and labels", async () => {
      const labels = { type: "scale_up", namespace }
      expect(await operator.metric("nimbusguard_scaling_operations_total", labels)).toBeGreaterThanOrEqual(1)
      expect(await operator.metric("nimbusguard_current_replicas", { namespace, deployment: "web" })).toBe(3)
      expect(await operator.metric("nimbusguard_decisions_total", { action: "scale_up" })).toBeGreaterThanOrEqual(1)
      expect(await operator.metric("nimbusguard_decisions_total", { action: "no_action" })).toBeGreaterThanOrEqual(1)
      for (const component of ["prometheus", "kubernetes", "decision_engine"]) {
        expect(await operator.metric("nimbusguard_operator_health", { component })).toBe(1)
      }
      const policies = (await operator.policies()).length
      expect(await operator.metric("nimbusguard_policies_total")).toBeGreaterThanOrEqual(policies)
      expect(await operator.metric("nimbusguard_active_policies")).toBe(policies)
      expect(await operator.metric("nimbusguard_policies_by_phase", { phase: "Active" })).toBe(policies - 1)
      const workflows = (await operator.metric("nimbusguard_workflows_total")) ?? 0
      expect(workflows).toBeGreaterThan(policies)
      const successful = await operator.metric("nimbusguard_workflows_successful_total")
      expect(successful).toBeGreaterThanOrEqual(workflows)
      expect(await operator.metric("nimbusguard_scaling_actions_total")).toBe(
        (await operator.activity()).filter(({ outcome }) => outcome === "Scaled").length
      )
      const keys = new Map<string, string>()
      for (const { name, labels: given } of await operator.metrics()) {
        if (name.startsWith("nimbusguard_")) keys.set(name, Object.keys(given).toSorted().join(","))
      }
      expect(Object.fromEntries(keys)).toMatchObject({
        nimbusguard_scaling_operations_total: "namespace,type",
        nimbusguard_current_replicas: "deployment,namespace",
        nimbusguard_decisions_total: "action",
        nimbusguard_operator_health: "component",
        nimbusguard_policies_by_phase: "phase",
        nimbusguard_policies_total: "",
        nimbusguard_active_policies: "",
        nimbusguard_workflows_total: "",
        nimbusguard_scaling_actions_total: ""
      })
    })

    it("finds controller-runtime's names for reconciles and the leader", async () => {
      const controller = "scalingpolicy"
      expect(
        await operator.metric("controller_runtime_reconcile_total", { controller, result: "success" })
      ).toBeGreaterThan(0)
      expect(await operator.metric("leader_election_master_status")).toBe(1)
      expect(await operator.metric("rest_client_requests_total", { method: "PATCH", code: "200" })).toBeGreaterThan(0)
    })
  })

  describe("over time", () => {
    const statusWrites = async (name: string): Promise<number> =>
      (
        await cluster.auditEvents(
          ({ objectRef, verb }) =>
            verb === "patch" &&
            objectRef?.subresource === "status" &&
            objectRef.resource === "scalingpolicies" &&
            objectRef.namespace === namespace &&
            objectRef.name === name
        )
      ).length

    it("writes status when its meaning changes and at no other tick, and conditions stay where they are", async () => {
      const before = await web.status()
      const writes = await statusWrites("web")
      expect(writes).toBeGreaterThan(0)
      await operator.ticks(web, 10)
      expect(await statusWrites("web")).toBe(writes)
      // A value that changes the decision of nobody is no reason either.
      exporter.set("load_web", 29)
      await eventually(async () => (await prometheus.query("load_web"))[0]?.value[1] === "29", { what: "the load" })
      await operator.ticks(web, 5)
      expect(await statusWrites("web")).toBe(writes)
      expect((await web.status()).conditions).toEqual(before.conditions)

      exporter.set("load_web", 40)
      await cluster.deploymentReady(namespace, "web", 4)
      const after = await web.until("to say so", ({ currentReplicas }) => currentReplicas === 4)
      await operator.ticks(web, 5)
      const more = (await statusWrites("web")) - writes
      expect(more).toBeGreaterThanOrEqual(1)
      expect(more).toBeLessThanOrEqual(3)
      for (const type of ["Ready", "MetricsAvailable", "Conflict"]) {
        expect(conditionOf(after, type)).toEqual(before.conditions?.find((each) => each.type === type))
      }
    })

    it("forgets a deleted policy: its series are gone, and nobody asks its question any more", async () => {
      exporter.set("load_leaving", 20)
      await eventually(async () => (await prometheus.query("load_leaving")).length === 1, { what: "the gauge" })
      await cluster.createDeployment(namespace, "leaving", 2)
      const leaving = await follow(
        cluster,
        namespace,
        gaugePolicy({ name: "leaving", serverUrl: proxy.url, query: "load_leaving" })
      )
      await leaving.untilPhase("Active")
      const mine = async () =>
        (await operator.metrics()).filter(
          ({ labels }) => labels["policy"] === "leaving" || labels["deployment"] === "leaving"
        )
      expect((await mine()).map(({ name }) => name)).toEqual(
        expect.arrayContaining([
          "nimbusguard_current_replicas",
          "nimbusguard_policy_desired_replicas",
          "nimbusguard_policy_recommended_replicas",
          "nimbusguard_policy_ready"
        ])
      )
      const active = await operator.metric("nimbusguard_active_policies")
      await leaving.delete()
      await eventually(async () => (await mine()).length === 0, { what: "its series to be gone" })
      expect(await operator.metric("nimbusguard_active_policies")).toBe((active ?? 0) - 1)
      expect((await operator.policies()).map(({ name }) => name)).not.toContain("leaving")
      const asked = () => proxy.seen({ when: ({ body, path }) => `${path}${body}`.includes("load_leaving") }).length
      const questions = asked()
      await operator.ticks(web, 4)
      expect(asked()).toBe(questions)
      expect(await replicasOf(cluster, namespace, "leaving")).toBe(2)
    })
  })
})

describeWith(["controlPlane"], "an operator on a cluster that has never seen one", () => {
  let plane: ControlPlane
  beforeAll(async () => {
    plane = await ControlPlane.start()
  })
  afterAll(() => plane?.stop())

  it("installs its CRDs at start and serves a policy at once", async () => {
    const home = { namespace: await plane.newNamespace("home"), serviceAccount: "default" }
    const kubeconfig = await plane.kubeconfig()
    const operator = await OperatorProcess.start({
      cluster: plane,
      home,
      kubeconfig,
      env: { INSTALL_CRDS: "true" }
    })
    try {
      const { stdout } = await plane.kubectl(["get", "crd", "-o", "name"])
      expect(stdout.trim().split("\n").toSorted()).toEqual([
        "customresourcedefinition.apiextensions.k8s.io/generalscalers.autoscaling.generalscaler.io",
        "customresourcedefinition.apiextensions.k8s.io/intelligentscaling.nimbusguard.io",
        "customresourcedefinition.apiextensions.k8s.io/scalingpolicies.nimbusguard.io",
        "customresourcedefinition.apiextensions.k8s.io/scalingrules.scaling.example.com"
      ])
      const namespace = await plane.newNamespace()
      const policy = await follow(
        plane,
        namespace,
        gaugePolicy({ name: "first", serverUrl: `http://127.0.0.1:${await freePort()}`, query: "up" })
      )
      await policy.untilCondition("Ready", "False", "TargetNotFound")
    } finally {
      await operator.stop()
    }
  })
})
