// The harness proves itself before anything relies on it: each kind of server, each kind of fault, seen from a client.
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { request as httpRequest } from "node:http"
import { request as httpsRequest } from "node:https"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { Cluster } from "#test/controlplane/Cluster"
import { eventually } from "#test/controlplane/eventually"
import { Exporter } from "#test/controlplane/Exporter"
import { expiredEvent, type FaultProxy, refusals } from "#test/controlplane/FaultProxy"
import { MetricsApi } from "#test/controlplane/MetricsApi"
import { NameProxy } from "#test/controlplane/NameProxy"
import type { NatsConnection } from "#test/controlplane/NatsConnection"
import { NatsServer } from "#test/controlplane/NatsServer"
import { PrometheusServer } from "#test/controlplane/PrometheusServer"
import { describeWith, runningCluster } from "#test/controlplane/suite"

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
}

interface WatchEvent {
  readonly type: string
  readonly object: { readonly metadata?: { readonly name?: string }; readonly code?: number }
}

/** A client that shares nothing with the harness's own: what it sees is what a program under test would see. */
const ask = (
  proxy: FaultProxy,
  cluster: Cluster,
  method: string,
  path: string,
  body?: unknown,
  onData?: (text: string) => void
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const request = httpsRequest(
      `${proxy.url}${path}`,
      {
        method,
        ca: cluster.ca,
        agent: false,
        headers: { authorization: `Bearer ${cluster.address.adminToken}`, "content-type": "application/json" }
      },
      (response) => {
        let text = ""
        response.setEncoding("utf8")
        response.on("data", (chunk: string) => {
          text += chunk
          onData?.(chunk)
        })
        response.once("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
        response.once("error", reject)
      }
    )
    request.once("error", reject)
    request.end(body === undefined ? undefined : JSON.stringify(body))
  })

const eventsOf = (text: string): ReadonlyArray<WatchEvent> =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as WatchEvent)

const configMap = (name: string): object => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } })

describeWith(["controlPlane"], "the control plane", () => {
  let cluster: Cluster
  beforeAll(() => {
    cluster = runningCluster()
  })
  afterAll(() => cluster.disconnect())

  it("says the version that it was made from", async () => {
    expect(await cluster.get("/version")).toMatchObject({ gitVersion: "v1.36.3", major: "1", minor: "36" })
    expect((await cluster.kubectl(["version"])).stdout).toContain("Server Version: v1.36.3")
  })

  it("makes the pods of a Deployment Ready and follows a change of scale", async () => {
    const namespace = await cluster.newNamespace()
    await cluster.createDeployment(namespace, "web", 3)
    await cluster.deploymentReady(namespace, "web", 3)
    await cluster.scaleDeployment(namespace, "web", 6)
    await cluster.deploymentReady(namespace, "web", 6)
    const pods = await cluster.kubectl(["get", "pods", "-n", namespace, "--no-headers"])
    expect(pods.stdout.match(/1\/1\s+Running/g)).toHaveLength(6)
  })

  it("keeps its state and its address over a kill of the API server", async () => {
    const namespace = await cluster.newNamespace()
    await cluster.createDeployment(namespace, "web", 2)
    await cluster.deploymentReady(namespace, "web", 2)
    await cluster.killApiServer()
    await expect(cluster.get("/readyz")).rejects.toThrow(/ECONNREFUSED|ECONNRESET|socket hang up/)
    await cluster.restartApiServer()
    await cluster.deploymentReady(namespace, "web", 2)
    await cluster.scaleDeployment(namespace, "web", 4)
    await cluster.deploymentReady(namespace, "web", 4)
  })

  it("leaves new pods unready while kwok is frozen", async () => {
    const namespace = await cluster.newNamespace()
    await cluster.freeze("kwok")
    try {
      await cluster.createDeployment(namespace, "web", 2)
      const pods = await eventually(
        async () => {
          const { items } = await cluster.list<{ spec: { nodeName?: string }; status: { phase: string } }>(
            `/api/v1/namespaces/${namespace}/pods`
          )
          return items.length === 2 && items.every((pod) => pod.spec.nodeName !== undefined) ? items : undefined
        },
        { what: "two scheduled pods" }
      )
      expect(pods.map((pod) => pod.status.phase)).toEqual(["Pending", "Pending"])
    } finally {
      await cluster.thaw("kwok")
    }
    await cluster.deploymentReady(namespace, "web", 2)
  })

  it("asks RBAC about users, service accounts and client certificates, and writes down who did what", async () => {
    const namespace = await cluster.newNamespace()
    const base = `/api/v1/namespaces/${namespace}`
    await cluster.create(`${base}/serviceaccounts`, { metadata: { name: "robot" } })
    await cluster.create(`/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`, {
      metadata: { name: "robot" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
      subjects: [{ kind: "ServiceAccount", name: "robot", namespace }]
    })
    const robot = await cluster.kubeconfig({ token: await cluster.serviceAccountToken(namespace, "robot"), namespace })
    // The role view is put together by a controller from others.
    await eventually(async () => (await cluster.kubectl(["get", "pods"], { kubeconfig: robot })).code === 0, {
      what: "the service account to be allowed to list pods"
    })
    const written = await cluster.kubectl(["create", "configmap", "x"], { kubeconfig: robot, allowFailure: true })
    expect(written.stderr).toContain(
      `User "system:serviceaccount:${namespace}:robot" cannot create resource "configmaps"`
    )

    const alice = await cluster.kubeconfig({ token: cluster.userToken("alice"), namespace })
    expect((await cluster.kubectl(["get", "pods"], { kubeconfig: alice, allowFailure: true })).stderr).toContain(
      '"alice"'
    )
    const carol = await cluster.certificateKubeconfig("carol", ["system:masters"], { namespace })
    await cluster.kubectl(["create", "configmap", "of-carol"], { kubeconfig: carol })

    const events = await cluster.auditEvents((event) => event.objectRef?.namespace === namespace)
    const deeds = events.map((event) => `${event.user.username} ${event.verb} ${event.responseStatus?.code ?? 0}`)
    expect(deeds).toContain("carol create 201")
    expect(deeds).toContain(`system:serviceaccount:${namespace}:robot create 403`)
  })

  it("refuses a privileged pod in a restricted namespace, so PodSecurity admission is on", async () => {
    const namespace = await cluster.newNamespace("test", { "pod-security.kubernetes.io/enforce": "restricted" })
    const pod = {
      metadata: { name: "x" },
      spec: { containers: [{ name: "x", image: "x", securityContext: { privileged: true } }] }
    }
    await expect(cluster.create(`/api/v1/namespaces/${namespace}/pods`, pod)).rejects.toThrow(/violates PodSecurity/)
  })

  it("lets the HorizontalPodAutoscaler scale on aggregated metrics that a test sets", async () => {
    const namespace = await cluster.newNamespace()
    const metrics = await MetricsApi.start(cluster)
    try {
      metrics.setExternal(namespace, "queue_depth", [{ value: "40" }])
      metrics.setUsage(() => ({ cpuMillis: 50, memoryBytes: 1024 }))
      const raw = await cluster.kubectl(["get", "--raw", "/apis/external.metrics.k8s.io/v1beta1"])
      expect(JSON.parse(raw.stdout)).toMatchObject({
        kind: "APIResourceList",
        groupVersion: "external.metrics.k8s.io/v1beta1"
      })

      await cluster.createDeployment(namespace, "web", 1)
      await cluster.deploymentReady(namespace, "web", 1)
      const top = await cluster.kubectl(["top", "pods", "-n", namespace, "--no-headers"])
      expect(top.stdout).toMatch(/web-\S+\s+50m\s+0Mi/)
      await cluster.create(`/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`, {
        metadata: { name: "web" },
        spec: {
          scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
          minReplicas: 1,
          maxReplicas: 10,
          metrics: [
            {
              type: "External",
              external: { metric: { name: "queue_depth" }, target: { type: "AverageValue", averageValue: "10" } }
            }
          ]
        }
      })
      await cluster.deploymentReady(namespace, "web", 4)
      const writes = await cluster.auditEvents(
        (event) =>
          event.objectRef?.namespace === namespace && event.objectRef.subresource === "scale" && event.verb === "update"
      )
      expect(writes[0]?.user.username).toBe("system:serviceaccount:kube-system:horizontal-pod-autoscaler")
    } finally {
      await metrics.close()
    }
  })
})

describeWith(["controlPlane"], "the fault proxy in front of the API server", () => {
  let cluster: Cluster
  let proxy: FaultProxy
  let maps: string
  beforeAll(async () => {
    cluster = runningCluster()
    proxy = await cluster.faultProxy()
    maps = `/api/v1/namespaces/${await cluster.newNamespace()}/configmaps`
  })
  afterAll(async () => {
    await proxy.close()
    cluster.disconnect()
  })

  it("passes kubectl through and records what it asked", async () => {
    const kubeconfig = await cluster.kubeconfig({ server: proxy.url })
    await cluster.kubectl(["get", "namespaces"], { kubeconfig })
    const [request] = proxy.seen({ path: /^\/api\/v1\/namespaces\?/ })
    expect(request).toMatchObject({ method: "GET", status: 200, outcome: "answered" })
    expect(request?.userAgent).toMatch(/^kubectl/)
  })

  it("loses the reply of a write that the API server has committed", async () => {
    const lost = proxy.inject({ method: "POST", path: /configmaps/, fault: { kind: "cutAfter" } })
    await expect(ask(proxy, cluster, "POST", maps, configMap("lost"))).rejects.toThrow(/socket hang up|ECONNRESET/)
    expect(await cluster.find(`${maps}/lost`)).toBeDefined()
    expect(lost.struck).toHaveLength(1)
    expect((await ask(proxy, cluster, "POST", maps, configMap("lost"))).status).toBe(409)
  })

  it("cuts a write before the API server hears of it, at exactly the request that is meant", async () => {
    const cut = proxy.inject({ method: "POST", path: /configmaps/, nth: 2, times: 2, fault: { kind: "cutBefore" } })
    const outcomes: Array<string> = []
    for (const name of ["cut-1", "cut-2", "cut-3", "cut-4"]) {
      outcomes.push(
        await ask(proxy, cluster, "POST", maps, configMap(name)).then(
          (answer) => String(answer.status),
          () => "cut"
        )
      )
    }
    expect(outcomes).toEqual(["201", "cut", "cut", "201"])
    expect(cut.struck.map((request) => request.body)).toEqual(
      ["cut-2", "cut-3"].map((name) => JSON.stringify(configMap(name)))
    )
    expect(await cluster.find(`${maps}/cut-2`)).toBeUndefined()
  })

  it("streams a watch and ends it with 410 Expired", async () => {
    const { metadata } = await cluster.list(maps)
    const path = `${maps}?watch=true&resourceVersion=${metadata.resourceVersion}`
    let seen = ""
    const watch = ask(proxy, cluster, "GET", path, undefined, (text) => {
      seen += text
    })
    await eventually(() => proxy.openWatches().includes(path), { what: "the watch to be open" })
    await cluster.create(maps, configMap("watched"))
    await eventually(() => eventsOf(seen.slice(0, seen.lastIndexOf("\n") + 1)).length === 1, {
      what: "the event to stream through"
    })
    expect(proxy.endWatches(/configmaps/)).toBe(1)
    const events = eventsOf((await watch).text)
    expect(events.map((event) => event.type)).toEqual(["ADDED", "ERROR"])
    expect(events[1]?.object.code).toBe(410)
  })

  it("ends a watch after the chosen number of events", async () => {
    proxy.inject({ path: /watch=true/, fault: { kind: "endWatch", afterEvents: 2, event: expiredEvent } })
    const { metadata } = await cluster.list(maps)
    const watch = ask(proxy, cluster, "GET", `${maps}?watch=true&resourceVersion=${metadata.resourceVersion}`)
    for (const name of ["counted-1", "counted-2", "counted-3"]) await cluster.create(maps, configMap(name))
    expect(eventsOf((await watch).text).map((event) => event.object.metadata?.name ?? event.type)).toEqual([
      "counted-1",
      "counted-2",
      "ERROR"
    ])
  })

  it("answers for the API server, mangles replies and cuts them short", async () => {
    proxy.inject({ fault: refusals.tooManyRequests(7) })
    const refused = await ask(proxy, cluster, "GET", maps)
    expect(refused.status).toBe(429)
    expect(refused.headers["retry-after"]).toBe("7")
    expect(JSON.parse(refused.text)).toMatchObject({ kind: "Status", reason: "TooManyRequests" })
    proxy.inject({ fault: { kind: "garbage" } })
    await expect(ask(proxy, cluster, "GET", maps)).rejects.toThrow(/Parse Error|socket hang up|ECONNRESET/)
    proxy.inject({ fault: { kind: "truncate", bytes: 20 } })
    await expect(ask(proxy, cluster, "GET", maps)).rejects.toThrow(/aborted|socket hang up|ECONNRESET/)
    expect((await ask(proxy, cluster, "GET", maps)).status).toBe(200)
  })

  it("calls the test before and after the API server does a write", async () => {
    const found: Array<boolean> = []
    const look = async () => {
      found.push((await cluster.find(`${maps}/called`)) !== undefined)
    }
    proxy.inject({ method: "POST", path: /configmaps/, fault: { kind: "call", before: look, after: look } })
    expect((await ask(proxy, cluster, "POST", maps, configMap("called"))).status).toBe(201)
    expect(found).toEqual([false, true])
  })

  it("holds everything back while frozen and loses nothing", async () => {
    const { metadata } = await cluster.list(maps)
    let seen = ""
    const path = `${maps}?watch=true&resourceVersion=${metadata.resourceVersion}`
    const watch = ask(proxy, cluster, "GET", path, undefined, (text) => {
      seen += text
    })
    await eventually(() => proxy.openWatches().includes(path), { what: "the watch to be open" })
    proxy.freeze()
    const before = proxy.requests.length
    const write = ask(proxy, cluster, "POST", maps, configMap("frozen"))
    await eventually(() => proxy.requests.length > before, { what: "the write to arrive at the proxy" })
    await cluster.create(maps, configMap("beside"))
    expect(await cluster.find(`${maps}/frozen`)).toBeUndefined()
    expect(seen).toBe("")
    proxy.thaw()
    expect((await write).status).toBe(201)
    await eventually(() => seen.includes('"frozen"') && seen.includes('"beside"'), { what: "both events" })
    proxy.endWatches()
    await watch
  })

  it("breaks open connections, refuses new ones, and comes back on the same port", async () => {
    const { metadata } = await cluster.list(maps)
    const path = `${maps}?watch=true&resourceVersion=${metadata.resourceVersion}`
    const watch = ask(proxy, cluster, "GET", path)
    const broken = expect(watch).rejects.toThrow(/aborted|socket hang up|ECONNRESET/)
    await eventually(() => proxy.openWatches().includes(path), { what: "the watch to be open" })
    await proxy.refuse()
    await broken
    await expect(ask(proxy, cluster, "GET", maps)).rejects.toThrow(/ECONNREFUSED/)
    await proxy.accept()
    expect((await ask(proxy, cluster, "GET", maps)).status).toBe(200)
  })
})

describeWith(["prometheus"], "Prometheus", () => {
  let exporter: Exporter
  let prometheus: PrometheusServer
  beforeAll(async () => {
    exporter = await Exporter.start()
    prometheus = await PrometheusServer.start({ targets: [exporter.target] })
  })
  afterAll(async () => {
    await prometheus.stop()
    await exporter.close()
  })

  const firstValue = async (expression: string): Promise<string | undefined> =>
    (await prometheus.query(expression))[0]?.value[1]

  it("answers queries about what the exporter says, and forgets nothing when it is killed", async () => {
    exporter.set("queue_depth", 42, { namespace: "shop", queue: 'a "quoted" one' })
    await eventually(async () => (await firstValue('queue_depth{namespace="shop"}')) === "42", {
      what: "the gauge in Prometheus"
    })
    exporter.set("queue_depth", 43, { namespace: "shop", queue: 'a "quoted" one' })
    await eventually(async () => (await firstValue("queue_depth")) === "43", { what: "the changed gauge" })
    await prometheus.kill()
    await expect(prometheus.query("queue_depth")).rejects.toThrow(/fetch failed/)
    await prometheus.restart()
    await eventually(async () => (await firstValue("max_over_time(queue_depth[10m])")) === "43", {
      what: "the gauge after a restart"
    })
  })

  it("sees the rate of a counter that grows by itself", async () => {
    exporter.set("requests_total", () => (performance.now() / 1000) * 50)
    await eventually(
      async (seen) => {
        const rate = Number((await firstValue("rate(requests_total[5s])")) ?? NaN)
        seen(rate)
        return rate > 40 && rate < 60
      },
      { what: "a rate of about 50 per second" }
    )
  })

  it("remembers a history that was never scraped while it happened", async () => {
    const history = [260, 250, 200, 190].map((secondsAgo) => ({
      agoMillis: secondsAgo * 1000,
      value: secondsAgo > 220 ? 0 : 9000
    }))
    exporter.setHistory("visits_total", history, { site: "shop" })
    exporter.set("visits_total", 9000, { site: "shop" })
    await eventually(
      async (seen) => {
        const rate = Number((await firstValue("rate(visits_total[5m])")) ?? NaN)
        seen(rate)
        return rate > 29 && rate < 32
      },
      { what: "the rate of 9000 visits in five minutes" }
    )
    await eventually(async () => (await firstValue("increase(visits_total[1m])")) === "0", {
      what: "no visits in the last minute"
    })
  })

  it("is reached by its name in a cluster through the name proxy, and an unknown name is a 502", async () => {
    const names = await NameProxy.start({
      "prometheus:9090": prometheus.url,
      "prometheus-server.monitoring.svc.cluster.local": prometheus.url
    })
    const through = (address: string): Promise<Answer> =>
      new Promise((resolve, reject) => {
        httpRequest({ host: "127.0.0.1", port: names.port, path: address, agent: false }, (response) => {
          let text = ""
          response.on("data", (chunk: Buffer) => (text += chunk.toString()))
          response.once("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
        })
          .once("error", reject)
          .end()
      })
    try {
      for (const host of ["prometheus:9090", "prometheus-server.monitoring.svc.cluster.local"]) {
        const answer = await through(`http://${host}/api/v1/query?query=vector(7)`)
        expect(JSON.parse(answer.text)).toMatchObject({
          status: "success",
          data: { result: [{ value: [expect.anything(), "7"] }] }
        })
      }
      expect((await through("http://prometheus:9091/")).status).toBe(502)
      expect((await through("http://somewhere.example/")).status).toBe(502)
      expect(names.requests.map((request) => request.status)).toEqual([200, 200, 502, 502])
    } finally {
      await names.close()
    }
  })
})

interface ConsumerDetail {
  readonly name: string
  readonly num_pending: number
  readonly num_ack_pending: number
}

interface JetStreamPage {
  readonly account_details?: ReadonlyArray<{
    readonly stream_detail?: ReadonlyArray<{
      readonly name: string
      readonly state: { readonly messages: number }
      readonly consumer_detail?: ReadonlyArray<ConsumerDetail>
    }>
  }>
}

const streamsOf = (page: JetStreamPage) =>
  (page.account_details ?? []).flatMap((account) => account.stream_detail ?? [])

describeWith(["nats-server"], "NATS", () => {
  let nats: NatsServer
  let client: NatsConnection
  beforeAll(async () => {
    nats = await NatsServer.start()
    client = await nats.first.connect()
  })
  afterAll(async () => {
    client.close()
    await nats.stop()
  })

  it("shows five messages of a stream in /jsz, and pending ones move as a consumer takes and acknowledges them", async () => {
    await client.createStream({ name: "orders", subjects: ["orders.*"], retention: "workqueue" })
    await client.createConsumer("orders", { durable_name: "workers", filter_subject: "orders.new" })
    for (let at = 1; at <= 5; at += 1) expect(await client.store("orders.new", `order ${at}`)).toBe(at)
    const consumer = async (): Promise<ConsumerDetail | undefined> => {
      const [stream] = streamsOf(await nats.first.monitoring<JetStreamPage>("/jsz?consumers=true&config=true"))
      return stream?.consumer_detail?.[0]
    }
    const [stream] = streamsOf(await nats.first.monitoring<JetStreamPage>("/jsz?streams=true"))
    expect(stream).toMatchObject({ name: "orders", state: { messages: 5 } })
    expect(await consumer()).toMatchObject({ name: "workers", num_pending: 5, num_ack_pending: 0 })

    const taken = await client.fetch("orders", "workers", 3)
    expect(taken.map((message) => message.payload)).toEqual(["order 1", "order 2", "order 3"])
    expect(await consumer()).toMatchObject({ num_pending: 2, num_ack_pending: 3 })
    for (const message of taken.slice(0, 2)) await client.acknowledge(message)
    expect(await consumer()).toMatchObject({ num_pending: 2, num_ack_pending: 1 })
    expect(await client.fetch("orders", "workers", 10)).toHaveLength(2)
    expect(await client.fetch("orders", "workers", 10)).toHaveLength(0)
  })

  it("elects another leader when the leader of a cluster's stream is killed", async () => {
    const cluster = await NatsServer.start({ members: 3 })
    try {
      const first = await cluster.first.connect()
      await eventually(
        () =>
          first.createStream({ name: "jobs", subjects: ["jobs"], num_replicas: 3, storage: "file" }).then(() => true),
        { what: "the cluster to accept a stream" }
      )
      await first.store("jobs", "one")
      const info = await first.jetStream<{ readonly cluster: { readonly leader: string } }>("STREAM.INFO.jobs")
      first.close()
      await cluster.members.find((member) => member.name === info.cluster.leader)?.kill()
      const [survivor] = cluster.members.filter((member) => member.name !== info.cluster.leader)
      const client = await survivor!.connect()
      const next = await eventually(
        async (seen) => {
          const told = await client.jetStream<typeof info>("STREAM.INFO.jobs")
          seen(told.cluster)
          return told.cluster.leader !== info.cluster.leader && told.cluster.leader
        },
        { what: "a new leader" }
      )
      expect(cluster.members.map((member) => member.name)).toContain(next)
      client.close()
    } finally {
      await cluster.stop()
    }
  })
})

describe("the processes of a server", () => {
  it("die with the process that started them, also when that one is killed", async () => {
    const script = `
      const { ProcessGroup } = await import("#test/controlplane/Processes")
      const group = await ProcessGroup.open("orphan")
      const server = group.start({ name: "sleeper", program: "/bin/sleep", args: ["600"] })
      process.stdout.write(JSON.stringify({ pid: server.pid, folder: group.folder }) + "\\n")
      setInterval(() => undefined, 1000)
    `
    const parent = spawn(process.execPath, ["--input-type=module", "-e", script], {
      cwd: new URL("../..", import.meta.url).pathname,
      stdio: ["ignore", "pipe", "inherit"]
    })
    const line = await new Promise<string>((resolve, reject) => {
      parent.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString()))
      parent.once("exit", (code) => reject(new Error(`it ended with code ${code}`)))
    })
    const { pid, folder } = JSON.parse(line) as { readonly pid: number; readonly folder: string }
    const lives = (): boolean => {
      try {
        return process.kill(pid, 0)
      } catch {
        return false
      }
    }
    expect(lives()).toBe(true)
    parent.kill("SIGKILL")
    await eventually(() => !lives() && !existsSync(folder), { what: "the server and its folder to be gone" })
  })
})
