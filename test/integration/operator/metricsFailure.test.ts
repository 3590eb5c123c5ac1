// A metric source that fails in every way that a source can: nothing is ever scaled down on account of it, the
// condition says which way it was, and scaling goes on by itself when the source is well again. Each way has a policy of
// its own whose load has really fallen, so the first believed answer proves what the wrong one would have done.
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { Cluster } from "#test/controlplane/Cluster"
import { eventually } from "#test/controlplane/eventually"
import { Exporter } from "#test/controlplane/Exporter"
import { type Fault, FaultProxy, type Injection } from "#test/controlplane/FaultProxy"
import { freePort } from "#test/controlplane/Processes"
import { PrometheusServer } from "#test/controlplane/PrometheusServer"
import { describeWith, runningCluster } from "#test/controlplane/suite"
import { installOperator, OperatorProcess } from "./OperatorProcess.ts"
import { conditionOf, follow, type Followed, gaugePolicy, replicasOf, scaleWrites } from "./policies.ts"

/** Enough for a count of ticks to mean that the failure was seen, decided upon and seen again. */
const ticks = 4

describeWith(["controlPlane", "prometheus"], "a metric source that fails", () => {
  let cluster: Cluster
  let namespace: string
  let exporter: Exporter
  let prometheus: PrometheusServer
  let proxy: FaultProxy
  let operator: OperatorProcess

  beforeAll(async () => {
    cluster = runningCluster()
    namespace = await cluster.newNamespace("metrics-failure")
    exporter = await Exporter.start()
    prometheus = await PrometheusServer.start({ targets: [exporter.target] })
    proxy = await FaultProxy.start({ upstream: prometheus.url })
    const home = await installOperator(cluster)
    operator = await OperatorProcess.start({ cluster, home, watch: namespace })
  })
  afterAll(async () => {
    await operator?.stop()
    await proxy?.close()
    await prometheus?.stop()
    await exporter?.close()
    await cluster?.deleteNamespace(namespace)
    cluster?.disconnect()
  })

  const setLoad = async (gauge: string, value: number): Promise<void> => {
    exporter.set(gauge, value)
    await eventually(async () => (await prometheus.query(gauge))[0]?.value[1] === String(value), {
      what: `Prometheus to know that ${gauge} is ${value}`
    })
  }

  /** A Deployment that its policy has brought to four replicas, because its gauge said so. */
  const atFour = async (name: string, serverUrl = proxy.url): Promise<{ policy: Followed; gauge: string }> => {
    const gauge = `load_${name.replaceAll("-", "_")}`
    await setLoad(gauge, 40)
    await cluster.createDeployment(namespace, name, 2)
    const policy = await follow(cluster, namespace, gaugePolicy({ name, serverUrl, query: gauge }))
    await cluster.deploymentReady(namespace, name, 4)
    await policy.until("to want 4", (status) => status.targetReplicas === 4 && status.phase === "Active")
    return { policy, gauge }
  }

  const asks = (gauge: string) => (request: { readonly body: string; readonly path: string }) =>
    request.body.includes(gauge) || request.path.includes(gauge)

  /** While it fails: says so, writes nothing, stays at four. */
  const holds = async (policy: Followed, reason: string): Promise<void> => {
    const status = await policy.untilCondition("MetricsAvailable", "False", reason, 120_000)
    expect(conditionOf(status, "MetricsAvailable").message).toMatch(/^Nothing is scaled down meanwhile\. load: \S/)
    expect(conditionOf(status, "Ready").status).toBe("True")
    const writes = await scaleWrites(cluster, namespace, policy.name)
    await operator.ticks(policy, ticks)
    expect(await replicasOf(cluster, namespace, policy.name)).toBe(4)
    expect(await scaleWrites(cluster, namespace, policy.name)).toHaveLength(writes.length)
    const later = await policy.status()
    expect(conditionOf(later, "MetricsAvailable").reason).toBe(reason)
    expect(later.signals?.[0]?.error).toBeTruthy()
    expect((await policy.events()).filter((event) => event.startsWith("MetricError: "))).toHaveLength(1)
  }

  /** When it is well again: believes the low number and goes down for that reason. */
  const recovers = async (policy: Followed): Promise<void> => {
    await cluster.deploymentReady(namespace, policy.name, 1)
    const status = await policy.until(
      "to have recovered",
      (now) => conditionOf(now, "MetricsAvailable").status === "True" && now.targetReplicas === 1
    )
    expect(conditionOf(status, "MetricsAvailable").reason).toBe("AllMeasured")
    expect(await operator.movesOf(namespace, policy.name)).toEqual(["2->4", "4->1"])
  }

  const failsBy = async (name: string, reason: string, fault: Fault): Promise<void> => {
    const { policy, gauge } = await atFour(name)
    const injection: Injection = proxy.inject({ when: asks(gauge), times: Infinity, fault })
    await injection.first
    await setLoad(gauge, 5)
    await holds(policy, reason)
    expect(injection.struck.length).toBeGreaterThanOrEqual(ticks)
    injection.remove()
    await recovers(policy)
  }

  describe.concurrent("never lowers and always says why", () => {
    it("when the answer is NaN", async () => {
      const { policy, gauge } = await atFour("nan")
      exporter.set(gauge, Number.NaN)
      await holds(policy, "NotANumber")
      await setLoad(gauge, 5)
      await recovers(policy)
    })

    it("when the answer is infinite", async () => {
      const { policy, gauge } = await atFour("infinite")
      exporter.set(gauge, Infinity)
      await holds(policy, "NotANumber")
      await setLoad(gauge, 5)
      await recovers(policy)
    })

    it("when the answer is negative", async () => {
      const { policy, gauge } = await atFour("negative")
      exporter.set(gauge, -3)
      await holds(policy, "Negative")
      await setLoad(gauge, 5)
      await recovers(policy)
    })

    it("when the answer is an empty vector", async () => {
      const { policy, gauge } = await atFour("empty")
      exporter.remove(gauge)
      await holds(policy, "Empty")
      await setLoad(gauge, 5)
      await recovers(policy)
    })

    it("but lowers on an empty vector where the policy says that empty means zero", async () => {
      const { policy, gauge } = await atFour("empty-is-zero")
      const { spec } = await policy.get()
      const [signal] = spec["signals"] as ReadonlyArray<object>
      await policy.edit({ signals: [{ ...signal, onEmpty: "Zero" }] })
      exporter.remove(gauge)
      await recovers(policy)
    })

    it("when the answer is HTTP 500", () =>
      failsBy("http-500", "HttpStatus", { kind: "reply", status: 500, body: "out of order" }))

    it("when the answer is HTTP 503 with a page that looks like success", () =>
      failsBy("http-503", "HttpStatus", {
        kind: "reply",
        status: 503,
        body: { status: "success", data: { resultType: "vector", result: [{ metric: {}, value: [0, "0"] }] } }
      }))

    it("when the answer breaks off", () => failsBy("truncated", "Unreachable", { kind: "truncate" }))

    it("when the answer is no JSON", () =>
      failsBy("login-page", "Malformed", {
        kind: "reply",
        status: 200,
        headers: { "content-type": "text/html" },
        body: "<html>please log in</html>"
      }))

    it("when the answer is not HTTP", () => failsBy("garbage", "Malformed", { kind: "garbage" }))

    it("when the answer never comes", () => failsBy("slow", "Timeout", { kind: "hang" }))

    it("when nobody listens", async () => {
      const port = await freePort()
      const own = await FaultProxy.start({ upstream: prometheus.url, port })
      try {
        const { policy, gauge } = await atFour("absent", own.url)
        await own.refuse()
        await setLoad(gauge, 5)
        await holds(policy, "Unreachable")
        await own.accept()
        await recovers(policy)
      } finally {
        await own.close()
      }
    })
  })

  it("leaves one policy's slow source to that policy alone", async () => {
    const slow = await atFour("slow-neighbour")
    const injection = proxy.inject({ when: asks(slow.gauge), times: Infinity, fault: { kind: "hang" } })
    await injection.first
    const quick = await atFour("quick-neighbour")
    await setLoad(quick.gauge, 5)
    await recovers(quick.policy)
    expect(await replicasOf(cluster, namespace, "slow-neighbour")).toBe(4)
    injection.remove()
  })

  it("still snaps into the bounds while there is no metric", async () => {
    const { policy, gauge } = await atFour("bounds")
    exporter.remove(gauge)
    await holds(policy, "Empty")
    await policy.edit({ scaling: { minReplicas: 6 } })
    await cluster.deploymentReady(namespace, "bounds", 6)
    await policy.edit({ scaling: { minReplicas: 1, maxReplicas: 3 } })
    await cluster.deploymentReady(namespace, "bounds", 3)
    expect(conditionOf(await policy.status(), "MetricsAvailable").status).toBe("False")
  })

  it("shows in the operator's own health that a source is away, and stays ready", async () => {
    const report = await operator.probe()
    expect(report.status).toBe("ok")
    expect((await operator.get(`${operator.probeUrl}/readyz`)).status).toBe(200)
    expect(report.components["prometheus"]?.healthy).toBe(true)
  })
})
