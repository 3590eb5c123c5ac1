// The seeds' example manifests, word for word, each scaling a real Deployment up and down again for the reason that it
// names: real Prometheus, real JetStream, metrics.k8s.io through the real aggregator. The names in their URLs exist only
// in a cluster, so a proxy leads them to the servers of the test; nothing in a manifest is changed. Two of them name the
// same Deployment of the same namespace, so the second waits for the first to go, as it would in anybody's cluster.
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { Cluster } from "#test/controlplane/Cluster"
import { eventually } from "#test/controlplane/eventually"
import { Exporter } from "#test/controlplane/Exporter"
import { MetricsApi } from "#test/controlplane/MetricsApi"
import { NameProxy } from "#test/controlplane/NameProxy"
import type { NatsConnection } from "#test/controlplane/NatsConnection"
import { NatsServer } from "#test/controlplane/NatsServer"
import { PrometheusServer } from "#test/controlplane/PrometheusServer"
import { describeWith, runningCluster } from "#test/controlplane/suite"
import { type Home, installOperator, OperatorProcess, readSeed } from "./OperatorProcess.ts"
import { conditionOf, Followed, scaleWrites, userOf } from "./policies.ts"
import { Traffic } from "./Traffic.ts"

const namespace = "default"
/** The windows of the seeds are minutes long: 300 s below a threshold, 300 s of cooldown. */
const patience = { timeout: 720_000 }
const downMillis = 480_000

describeWith(["controlPlane", "prometheus", "nats-server"], "the examples of the seeds", () => {
  let cluster: Cluster
  let home: Home
  let operator: OperatorProcess
  let names: NameProxy
  let metrics: MetricsApi
  let exporter: Exporter
  let prometheus: PrometheusServer
  let traffic: Traffic
  let monitoring: PrometheusServer
  let nats: NatsServer
  let queue: NatsConnection
  const applied: Array<Followed> = []
  /** Millicores of each pod of consumer-workload. */
  let cpuMillis = 280

  beforeAll(async () => {
    cluster = runningCluster()
    metrics = await MetricsApi.start(cluster)
    metrics.setUsage((pod) =>
      pod.metadata?.name?.startsWith("consumer-workload-") === true
        ? { cpuMillis, memoryBytes: 32 * 1024 * 1024 }
        : undefined
    )
    exporter = await Exporter.start()
    prometheus = await PrometheusServer.start({ targets: [exporter.target] })
    traffic = await Traffic.start({ cluster, namespace, app: "my-app" })
    monitoring = await PrometheusServer.start({ targets: [], discoveryUrl: traffic.discoveryUrl })
    nats = await NatsServer.start()
    queue = await nats.first.connect()
    names = await NameProxy.start({
      "prometheus:9090": prometheus.url,
      "prometheus-server.monitoring.svc.cluster.local": monitoring.url,
      "nats:8222": nats.first.monitoringUrl
    })
    await cluster.createDeployment(namespace, "my-app", 2)
    await cluster.createDeployment(namespace, "consumer-workload", 1)
    await Promise.all([createLabelled("storefront", 3), createLabelled("checkout", 1)])
    home = await installOperator(cluster)
    operator = await OperatorProcess.start({ cluster, home, watch: namespace, names })
  }, 300_000)
  afterAll(async () => {
    await operator?.stop()
    // `default` is everybody's: what the manifests put there must not be met by whoever comes next.
    for (const each of ["my-app", "consumer-workload", "storefront", "checkout"]) {
      await cluster?.delete(`/apis/apps/v1/namespaces/${namespace}/deployments/${each}`)
    }
    for (const each of applied) await each.delete()
    await names?.close()
    queue?.close()
    await nats?.stop()
    await monitoring?.stop()
    await traffic?.close()
    await prometheus?.stop()
    await exporter?.close()
    await metrics?.close()
    cluster?.disconnect()
  })

  /** A Deployment that carries the label app=my-app without owning pods of that label. */
  const createLabelled = (name: string, replicas: number) =>
    cluster.create(`/apis/apps/v1/namespaces/${namespace}/deployments`, {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name, labels: { app: "my-app" } },
      spec: {
        replicas,
        selector: { matchLabels: { run: name } },
        template: {
          metadata: { labels: { run: name } },
          spec: { containers: [{ name: "app", image: "pause" }] }
        }
      }
    })

  const applySeed = async (name: string, kind: Followed["kind"], object: string): Promise<Followed> => {
    await cluster.apply(await readSeed(name))
    const policy = new Followed(cluster, kind, namespace, object)
    applied.push(policy)
    return policy
  }

  const untilMoved = (deployment: string, moves: ReadonlyArray<string>, timeoutMillis: number): Promise<true> =>
    eventually(
      async (seen) => {
        const now = await operator.movesOf(namespace, deployment)
        seen(now)
        return moves.every((move, at) => now[at] === move)
      },
      {
        what: `${deployment} to move ${moves.join(", then ")}`,
        timeoutMillis,
        assertHope: () => operator.assertRunning()
      }
    )

  const lastOf = async (deployment: string, action: string) => {
    const found = (await operator.activityOf(namespace, deployment)).findLast((each) => each.action === action)
    if (found === undefined) throw new Error(`no ${action} of ${deployment}`)
    return found
  }

  const kubectl = async (...args: ReadonlyArray<string>): Promise<string> => (await cluster.kubectl(args)).stdout

  describe.concurrent("word for word", () => {
    it("IntelligentScaling multiplies by the rate of requests, and takes pods away one by one", patience, async () => {
      // Three minutes ago came a burst of 8400 requests, 28 a second over five minutes. It leaves the window in two.
      const history = [240, 181, 180].map((ago) => ({ agoMillis: ago * 1000, value: ago > 180 ? 0 : 8400 }))
      exporter.setHistory("http_requests_total", history)
      exporter.set("http_requests_total", 8400)
      await eventually(
        async (seen) => {
          const [series] = await prometheus.query("rate(http_requests_total[5m])")
          seen(series)
          return Number(series?.value[1]) > 27
        },
        { what: "Prometheus to know the burst" }
      )
      const scaler = await applySeed("intelligent-scaling", "IntelligentScaling", "example-scaling")
      await untilMoved("checkout", ["1->3"], 60_000)
      await untilMoved("storefront", ["3->7"], 60_000)
      const first = await operator.activityOf(namespace, "storefront")
      // 3 x 28 / 10 are 9 pods; as many as double, or 4, may come at once.
      expect(first[0]).toMatchObject({ action: "scale_up", engine: "step", recommendedReplicas: 9 })
      expect(first[0]?.limitedBy).toContain("ScaleUpLimit")
      expect(first[0]?.reason).toMatch(/metrics\[0\] 28(\.\d+)? is above 10/)
      await untilMoved("storefront", ["3->7", "7->10"], 120_000)
      const status = await scaler.until(
        "to have a row for each Deployment",
        ({ targets = [] }) => targets.length === 2 && targets.every((each) => each.currentReplicas === 10),
        180_000
      )
      expect(status.targets?.map(({ kind, name }) => `${kind}/${name}`).toSorted()).toEqual([
        "Deployment/checkout",
        "Deployment/storefront"
      ])
      expect(conditionOf(status, "Ready")).toMatchObject({ status: "True", reason: "PolicyActive" })

      await untilMoved("storefront", ["3->7", "7->10", "10->9"], downMillis)
      const down = await lastOf("storefront", "scale_down")
      expect(down.reason).toMatch(/metrics\[0\] 0(\.\d+)? is below 7 for 300 s/)
      const up = await lastOf("storefront", "scale_up")
      expect(Date.parse(down.timestamp) - Date.parse(up.timestamp)).toBeGreaterThanOrEqual(300_000)
      await scaler.untilEvent(/^ScaledUp: .*storefront up from 3 to 7/)
      await scaler.untilEvent(/^ScaledDown: .*storefront down from 10 to 9/)
    })

    it("ScalingPolicy holds the CPU of its pods, with Q-learning in shadow", patience, async () => {
      const policy = await applySeed("scaling-policy", "ScalingPolicy", "consumer-workload-ai-scaling")
      await untilMoved("consumer-workload", ["1->4"], 90_000)
      await cluster.deploymentReady(namespace, "consumer-workload", 4)
      // The same work, now on four pods: 70 % of what they request.
      cpuMillis = 70
      const up = await lastOf("consumer-workload", "scale_up")
      expect(up).toMatchObject({ engine: "target", recommendedReplicas: 4, rule: "consumer-workload-ai-scaling" })
      expect(up.reason).toContain("cpu")
      const held = await policy.until("to hold 70 %", ({ signals = [] }) =>
        signals.some(({ name, target, value }) => name === "cpu" && target === "70%" && value === "70")
      )
      expect(held).toMatchObject({ phase: "Active", currentReplicas: 4, targetReplicas: 4 })
      expect(conditionOf(held, "Ready")).toMatchObject({ status: "True", reason: "PolicyActive" })
      expect(conditionOf(held, "ScalingActive").status).toBe("True")
      expect(held.signals?.map(({ name }) => name)).toEqual(expect.arrayContaining(["cpu", "memory"]))

      cpuMillis = 10
      await policy.until("to be held by its cooldown", ({ lastDecision, recommendedReplicas }) => {
        const limiters: ReadonlyArray<string> = lastDecision?.limitedBy ?? []
        return recommendedReplicas === 1 && (limiters.includes("Cooldown") || limiters.includes("ScaleDownStabilized"))
      })
      await untilMoved("consumer-workload", ["1->4", "4->1"], downMillis)
      const down = await lastOf("consumer-workload", "scale_down")
      expect(down.reason).toContain("cpu")
      expect(Date.parse(down.timestamp) - Date.parse(up.timestamp)).toBeGreaterThanOrEqual(300_000)
      const yaml = await kubectl("get", "scalingpolicy", "consumer-workload-ai-scaling", "-o", "yaml")
      for (const line of [
        /^ {2}phase: Active$/m,
        /^ {4}action: \w+$/m,
        /^ {4}reason: PolicyActive$/m,
        /lastScalingTime:/
      ]) {
        expect(yaml).toMatch(line)
      }
    })

    it(
      "ScalingRule works off a backlog of JetStream one pod at a time, and then leaves my-app to GeneralScaler",
      async () => {
        await queue.createStream({ name: "ORDERS", subjects: ["orders.*"], retention: "workqueue" })
        await queue.createConsumer("ORDERS", { durable_name: "processors", filter_subject: "orders.processing" })
        for (let at = 1; at <= 60; at += 1) await queue.store("orders.processing", `order ${at}`)
        const rule = await applySeed("scaling-rule", "ScalingRule", "my-app-scaling")
        await untilMoved("my-app", ["2->3"], 90_000)
        const up = await lastOf("my-app", "scale_up")
        expect(up).toMatchObject({ engine: "step", rule: "my-app-scaling", ruleKind: "ScalingRule" })
        expect(up.reason).toContain("backlog 60 is above 50")

        // Somebody applies the other seed's example beside it: the older one goes on, the younger one says so.
        await rule.untilOlder()
        traffic.setRate(560)
        const scaler = await applySeed("http-service", "GeneralScaler", "my-app-scaler")
        const conflict = await scaler.until(
          "to see the conflict",
          (now) => conditionOf(now, "Conflict").status === "True"
        )
        expect(conditionOf(conflict, "Conflict").message).toContain("my-app-scaling")

        const taken = await queue.fetch("ORDERS", "processors", 57)
        for (const message of taken.slice(0, 55)) await queue.acknowledge(message)
        // 3 are yet to be given out and 2 yet to be confirmed.
        await untilMoved("my-app", ["2->3", "3->2"], 300_000)
        const down = await lastOf("my-app", "scale_down")
        expect(down.reason).toContain("backlog 5 is below 10 for 120 s")
        expect(Date.parse(down.timestamp) - Date.parse(up.timestamp)).toBeGreaterThanOrEqual(120_000)
        const described = await kubectl("describe", "scalingrule", "my-app-scaling")
        expect(described).toMatch(/ScaledUp .*from 2 to 3/)
        expect(await kubectl("get", "scalingrule", "my-app-scaling", "-o", "yaml")).toMatch(
          /^ {2}currentReplicas: [12]$/m
        )
        expect(await operator.movesOf(namespace, "my-app")).not.toContain("2->6")
        const perPod = 'sum(rate(http_requests_total{app="my-app"}[1m])) / count(up{app="my-app"})'
        await eventually(
          async (seen) => {
            const value = Number((await monitoring.query(perPod))[0]?.value[1])
            seen(value)
            return value > 270 && value < 290
          },
          { what: "Prometheus to know that two pods serve 560 requests a second" }
        )
        await rule.delete()

        // Of 560 requests a second each of the two pods serves 280, where it should serve 100.
        await scaler.until("to own my-app", (now) => conditionOf(now, "Conflict").status === "False")
        await untilMoved("my-app", ["2->3", "3->2", "2->6"], 120_000)
        const more = await lastOf("my-app", "scale_up")
        expect(more).toMatchObject({ engine: "target", recommendedReplicas: 6, ruleKind: "GeneralScaler" })
        expect(more.reason).toContain("metric")
        await cluster.deploymentReady(namespace, "my-app", 6)
        const status = await scaler.untilPhase("Active")
        expect(conditionOf(status, "Ready")).toMatchObject({ status: "True", reason: "PolicyActive" })
        const slo = conditionOf(status, "SLOObserved")
        expect(slo).toMatchObject({ status: "False", reason: "NotConfigured" })
        expect(slo.message).toMatch(/latencyQuery.*errorQuery/)

        traffic.setRate(60)
        await untilMoved("my-app", ["2->3", "3->2", "2->6", "6->4"], downMillis)
        const fewer = await lastOf("my-app", "scale_down")
        expect(fewer.reason).toContain("metric")
        expect(Date.parse(fewer.timestamp) - Date.parse(more.timestamp)).toBeGreaterThanOrEqual(300_000)
        await scaler.untilEvent(/^ScaledDown: /)
        const text = await kubectl("describe", "generalscaler", "my-app-scaler")
        expect(text).toMatch(/Normal +ScaledUp .*Deployment\/my-app up from 2 to 6/)
        expect(text).toMatch(/Normal +ScaledDown .*Deployment\/my-app down from 6 to 4/)
      },
      patience.timeout
    )
  })

  it("changed replicas as itself, through /scale, as often as it says, and was allowed everything it asked for", async () => {
    for (const deployment of ["my-app", "consumer-workload", "storefront", "checkout"]) {
      await eventually(
        async (seen) => {
          const writers = (await scaleWrites(cluster, namespace, deployment)).map(({ user }) => user.username)
          const moves = await operator.movesOf(namespace, deployment)
          seen({ writers, moves })
          expect(writers).toEqual(moves.map(() => userOf(home)))
          return true
        },
        { what: `the audit log and /scaling-activity to agree about ${deployment}` }
      )
    }
    const refused = await cluster.auditEvents(
      ({ responseStatus, user }) => user.username === userOf(home) && responseStatus?.code === 403
    )
    expect(refused.map(({ requestURI, verb }) => `${verb} ${requestURI}`)).toEqual([])
  })
})
