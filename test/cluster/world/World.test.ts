/** Pods as the API has them, and what they are seen to use and to do; time is a number here. */
import { assert, describe, it } from "@effect/vitest"
import { ApiServer } from "#cluster/api/ApiServer"
import type { JsonObject } from "#cluster/api/json"
import { LOOK_SECONDS } from "#cluster/world/MetricsServer"
import { PromQl } from "#cluster/world/promql/PromQl"
import { World } from "#cluster/world/World"
import type { WorkloadSpec } from "#cluster/world/WorkloadSpec"

const START = 1_700_000_000_000

const WEB: WorkloadSpec = { name: "web", traffic: { pattern: "steady:noise=0", rate: 40 } }

const made = (workloads: ReadonlyArray<WorkloadSpec> = [WEB]) => {
  let now = START
  const server = new ApiServer(() => now)
  const world = new World(server, { seed: 1, workloads, startMillis: START, nowMillis: () => now })
  world.follow()
  const promql = new PromQl(world.store)
  /** The value of the one series, undefined for none. */
  const ask = (query: string) => {
    world.catchUp()
    const answer = promql.instant(query, now)
    return answer.type === "vector" ? answer.points[0]?.value : undefined
  }
  const pass = (seconds: number) => {
    now += seconds * 1000
    world.catchUp()
  }
  return { server, world, ask, pass }
}

type Made = ReturnType<typeof made>

const put = ({ server }: Made, name: string, ready: boolean | undefined, owner = "web") => {
  const running = ready !== undefined
  const pod: JsonObject = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "default",
      labels: { app: owner },
      ownerReferences: [
        { apiVersion: "apps/v1", kind: "StatefulSet", name: owner, uid: `uid-${owner}`, controller: true }
      ]
    },
    spec: {
      nodeName: "node-a",
      containers: [
        { name: "main", image: "none", resources: { requests: { cpu: "200m", memory: "100Mi" } } },
        { name: "proxy", image: "none" }
      ]
    },
    status: {
      phase: running ? "Running" : "Pending",
      ...(running
        ? {
            conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
            containerStatuses: [{ name: "main", state: { running: { startedAt: "2023-11-14T22:13:20Z" } } }]
          }
        : {})
    }
  }
  server.store.put("pods", pod, { manager: "kubelet", subresource: "" })
  return pod
}

describe("World", () => {
  it("lets ready pods share the traffic, at the price of the CPU that they request", () => {
    const one = made()
    put(one, "web-0", true)
    put(one, "web-1", true)
    one.pass(300)
    assert.closeTo(one.ask('sum(rate(http_requests_total{app="web"}[2m]))') ?? 0, 40, 3)
    // 40 of the 80 requests a second that they can do: half of 200m each.
    assert.closeTo(one.ask('sum(rate(container_cpu_usage_seconds_total{container="main"}[2m]))') ?? 0, 0.2, 0.02)
    assert.isBelow(one.ask('sum(rate(container_cpu_usage_seconds_total{container="proxy"}[2m]))') ?? 1, 0.005)
    assert.strictEqual(one.ask('count(up{app="web"})'), 2)
    assert.isAbove(one.ask('sum(rate(container_network_receive_bytes_total{pod=~"web-.*"}[1m]))') ?? 0, 40 * 1000)
    assert.closeTo(
      one.ask("histogram_quantile(0.5, sum by (le) (rate(http_request_duration_seconds_bucket[2m])))") ?? 0,
      0.17,
      0.1
    )
  })

  it("gives nothing to a pod that is not ready, and keeps what it had counted", () => {
    const one = made()
    put(one, "web-0", true)
    one.pass(100)
    const before = one.ask('sum(http_requests_total{pod="web-0"})') ?? 0
    assert.isAbove(before, 3000)
    put(one, "web-0", false)
    put(one, "web-1", true)
    one.pass(100)
    assert.strictEqual(one.ask('sum(http_requests_total{pod="web-0"})'), before)
    assert.isAbove(one.ask('sum(http_requests_total{pod="web-1"})') ?? 0, 3000)
    put(one, "web-0", true)
    one.pass(100)
    assert.isAbove(one.ask('sum(http_requests_total{pod="web-0"})') ?? 0, before + 1500)
  })

  it("shows a pod from the moment that it runs, and no longer than it is there", () => {
    const one = made()
    const pod = put(one, "web-0", undefined)
    one.pass(60)
    assert.strictEqual(one.ask("up"), undefined)
    put(one, "web-0", false)
    one.pass(60)
    assert.strictEqual(one.ask("up"), 1)
    // Starting is work, too.
    assert.closeTo(one.ask('rate(container_cpu_usage_seconds_total{container="main"}[30s])') ?? 0, 0.1, 0.02)
    one.server.store.remove("pods", pod, { manager: "kubelet", subresource: "" })
    one.pass(10)
    assert.deepStrictEqual([one.ask("up"), one.world.service("web")?.pods], [undefined, 0])
  })

  it("counts from zero when a container begins anew, which is no fall to a rate", () => {
    const one = made()
    put(one, "web-0", true)
    one.pass(200)
    assert.isAbove(one.ask("sum(http_requests_total)") ?? 0, 7000)
    put(one, "web-0", undefined)
    one.pass(10)
    put(one, "web-0", true)
    one.pass(60)
    assert.isBelow(one.ask("sum(http_requests_total)") ?? Infinity, 2700)
    assert.isBelow(one.ask('sum(container_cpu_usage_seconds_total{container="main"})') ?? Infinity, 14)
    assert.closeTo(one.ask("sum(rate(http_requests_total[30s]))") ?? 0, 40, 5)
  })

  it("says what the pods use as metrics-server does: none before the second look, then the mean of its window", () => {
    const one = made()
    put(one, "web-0", true)
    const list = () => one.server.handle({ method: "GET", path: "/apis/metrics.k8s.io/v1beta1/pods" }).body
    one.pass(LOOK_SECONDS)
    assert.deepInclude(list(), { items: [] })
    one.pass(LOOK_SECONDS)
    const [item] = (list() as { readonly items: ReadonlyArray<JsonObject> }).items
    const [main] = (item?.["containers"] ?? []) as unknown as ReadonlyArray<{
      readonly usage: { readonly cpu: string }
    }>
    // All 40 requests a second that it can do: 200m.
    assert.closeTo(parseInt(main?.usage.cpu ?? "0") / 1e9, 0.2, 0.02)
  })

  it("takes a pod that nobody described for a workload that idles, and can load it", () => {
    const one = made([])
    put(one, "other-0", true, "other")
    one.pass(120)
    assert.isBelow(one.ask('rate(container_cpu_usage_seconds_total{container="main"}[1m])') ?? 1, 0.01)
    assert.isTrue(one.world.load("other", { durationSeconds: 300, intensity: 20 }))
    one.pass(120)
    assert.closeTo(one.ask('rate(container_cpu_usage_seconds_total{container="main"}[1m])') ?? 0, 0.2, 0.02)
    assert.isFalse(one.world.load("none", { durationSeconds: 300, intensity: 20 }))
    assert.isFalse(one.world.stop("none"))
  })

  it("changes the traffic and takes away what was added, from now on", () => {
    const one = made()
    for (const name of ["web-0", "web-1", "web-2"]) put(one, name, true)
    one.world.load("web", { durationSeconds: 3000, intensity: 20 })
    one.pass(120)
    assert.closeTo(one.ask("sum(rate(http_requests_total[1m]))") ?? 0, 80, 8)
    one.world.stop("web")
    one.world.setTraffic("web", { pattern: "steady:noise=0", rate: 10 })
    one.pass(120)
    assert.closeTo(one.ask("sum(rate(http_requests_total[1m]))") ?? 0, 10, 2)
    one.world.setTraffic("web", undefined)
    one.pass(120)
    assert.strictEqual(one.ask("sum(rate(http_requests_total[1m]))"), 0)
  })

  it("is the same at the end whether it was looked at every second or once", () => {
    const [often, once] = [made(), made()]
    for (const one of [often, once]) put(one, "web-0", true)
    for (let second = 0; second < 600; second++) often.pass(1)
    once.pass(600)
    for (const query of [
      "sum(http_requests_total)",
      "sum(container_cpu_usage_seconds_total)",
      "sum(http_request_duration_seconds_bucket)"
    ]) {
      assert.strictEqual(often.ask(query), once.ask(query))
    }
  })
})
