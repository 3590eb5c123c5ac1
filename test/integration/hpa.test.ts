// A HorizontalPodAutoscaler of the real kube-controller-manager and a ScalingPolicy of ours with the same behavior, on two
// Deployments that are alike: through the same script of steps and spikes both must go through the same replica counts,
// each within one sync of the other. The control plane is of its own, because the aggregated metrics API is everybody's.
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ControlPlane } from "#test/controlplane/ControlPlane"
import { eventually } from "#test/controlplane/eventually"
import { MetricsApi } from "#test/controlplane/MetricsApi"
import { describeWith } from "#test/controlplane/suite"
import { OperatorProcess } from "./operator/OperatorProcess.ts"
import { policyPath, replicasOf } from "./operator/policies.ts"
import { changesOf } from "./operator/ReplicaLog.ts"

const SYNC_MILLIS = 2000
/** From looking to having written, on a busy machine. */
const MOMENTS_MILLIS = 1500

/**
 * One number per name, told to both in one turn of the event loop: to the HPA as an external metric behind an APIService,
 * to us by Prometheus' protocol. A real Prometheus would know it a scrape later than the HPA does, and a spike of two
 * syncs would be of another length; so it is the same variable that answers both.
 */
class Demand {
  readonly url: string
  readonly #server: Server
  readonly #metrics: MetricsApi
  readonly #namespace: string
  readonly #values = new Map<string, number>()
  readonly #reads = new Map<string, number>()

  private constructor(server: Server, metrics: MetricsApi, namespace: string) {
    this.#server = server
    this.#metrics = metrics
    this.#namespace = namespace
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on("request", (request, response) => {
      void text(request).then((body) => {
        const { searchParams } = new URL(request.url ?? "/", this.url)
        const name = new URLSearchParams(body).get("query") ?? searchParams.get("query") ?? ""
        this.#reads.set(name, (this.#reads.get(name) ?? 0) + 1)
        const result = [Date.now() / 1000, String(this.#values.get(name) ?? NaN)]
        const answer = { status: "success", data: { resultType: "scalar", result } }
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer))
      })
    })
  }

  static async start(metrics: MetricsApi, namespace: string): Promise<Demand> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    return new Demand(server, metrics, namespace)
  }

  set(name: string, value: number): void {
    this.#values.set(name, value)
    this.#metrics.setExternal(this.#namespace, name, [{ value: String(value) }])
  }

  /** How often each of the two has looked: its syncs. */
  reads(name: string): readonly [hpa: number, ours: number] {
    return [this.#metrics.externalReads(this.#namespace, name), this.#reads.get(name) ?? 0]
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }
}

interface Step {
  /** With a target of 10 per pod. */
  readonly value: number
  /** Held until both are there; absent: there is nothing to wait for. */
  readonly until?: number
  /** Then for so many syncs of both. Default: 2. */
  readonly syncs?: number
}

/** Syncs after which no period and no short window below counts what was before. */
const QUIET = 9

interface Script {
  readonly name: string
  readonly behavior?: object
  readonly steps: ReadonlyArray<Step>
  /** From 2 replicas on. */
  readonly moves: ReadonlyArray<string>
}

const scripts: ReadonlyArray<Script> = [
  {
    name: "absent",
    steps: [
      { value: 50, until: 5 },
      { value: 100, until: 10 },
      // Down to 3 for two syncs, and hardly over: the window and the tolerance hold.
      { value: 30 },
      { value: 105 },
      { value: 300, until: 30 },
      { value: 60, syncs: 4 },
      // The window's five minutes are what they are where there is no behavior.
      { value: 20, until: 2 }
    ],
    moves: ["2->4", "4->5", "5->10", "10->20", "20->30", "30->6", "6->2"]
  },
  {
    name: "rates",
    behavior: {
      scaleUp: {
        stabilizationWindowSeconds: 0,
        selectPolicy: "Max",
        policies: [
          { type: "Pods", value: 2, periodSeconds: 9 },
          { type: "Percent", value: 50, periodSeconds: 9 }
        ]
      },
      scaleDown: {
        stabilizationWindowSeconds: 0,
        selectPolicy: "Min",
        policies: [
          { type: "Pods", value: 3, periodSeconds: 15 },
          { type: "Percent", value: 50, periodSeconds: 15 }
        ]
      }
    },
    steps: [
      { value: 100, until: 10, syncs: QUIET },
      // A spike goes as it came: within the period what was added may be taken away again.
      { value: 200, until: 15 },
      { value: 100, until: 10, syncs: QUIET },
      { value: 20, until: 2 }
    ],
    moves: ["2->4", "4->6", "6->9", "9->10", "10->15", "15->10", "10->7", "7->4", "4->2"]
  },
  {
    name: "windows",
    behavior: {
      scaleUp: { stabilizationWindowSeconds: 11, policies: [{ type: "Pods", value: 100, periodSeconds: 1 }] },
      scaleDown: { stabilizationWindowSeconds: 11, policies: [{ type: "Pods", value: 100, periodSeconds: 1 }] }
    },
    steps: [
      // A spike that no window lets through.
      { value: 100 },
      { value: 20, syncs: QUIET },
      { value: 60, until: 6, syncs: QUIET },
      // And a dip.
      { value: 20 },
      { value: 60, syncs: QUIET },
      { value: 20, until: 2, syncs: QUIET },
      // Of two steps the lower one first.
      { value: 50, syncs: 4 },
      { value: 80, until: 8, syncs: QUIET },
      { value: 20, until: 2 }
    ],
    moves: ["2->6", "6->2", "2->5", "5->8", "8->2"]
  }
]

const MIN = 1
const MAX = 40

describeWith(["controlPlane"], "beside the HorizontalPodAutoscaler of kube-controller-manager", () => {
  let plane: ControlPlane
  let metrics: MetricsApi
  let demand: Demand
  let operator: OperatorProcess
  let namespace: string

  beforeAll(async () => {
    plane = await ControlPlane.start({ hpaSyncMillis: SYNC_MILLIS })
    namespace = await plane.newNamespace("hpa")
    metrics = await MetricsApi.start(plane)
    demand = await Demand.start(metrics, namespace)
    operator = await OperatorProcess.start({ cluster: plane, watch: namespace })
    await operator.leads()
  })
  afterAll(async () => {
    await operator?.stop()
    await demand?.close()
    await metrics?.close()
    await plane?.stop()
  })

  const createHpa = (name: string, deployment: string, behavior: object | undefined) =>
    plane.create(`/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`, {
      metadata: { name: deployment },
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: deployment },
        minReplicas: MIN,
        maxReplicas: MAX,
        metrics: [
          { type: "External", external: { metric: { name }, target: { type: "AverageValue", averageValue: "10" } } }
        ],
        ...(behavior === undefined ? {} : { behavior })
      }
    })

  const createPolicy = (name: string, deployment: string, behavior: object | undefined) =>
    plane.create(policyPath("ScalingPolicy", namespace), {
      apiVersion: "nimbusguard.io/v1",
      kind: "ScalingPolicy",
      metadata: { name: deployment },
      spec: {
        target: { apiVersion: "apps/v1", kind: "Deployment", name: deployment },
        interval: `${SYNC_MILLIS / 1000}s`,
        scaling: { minReplicas: MIN, maxReplicas: MAX, ...(behavior === undefined ? {} : { behavior }) },
        signals: [
          {
            name: "load",
            prometheus: { serverUrl: demand.url, query: name },
            target: { type: "AverageValue", value: "10" }
          }
        ]
      }
    })

  const syncs = async (name: string, count: number) => {
    const [hpa, ours] = demand.reads(name)
    await eventually(
      (seen) => {
        const now = demand.reads(name)
        seen(now)
        return now[0] >= hpa + count && now[1] >= ours + count
      },
      { what: `${count} syncs of both that look at ${name}` }
    )
  }

  describe.concurrent("goes through the same replica counts, where behavior", () => {
    it.each(scripts)("is of $name", { timeout: 540_000 }, async ({ behavior, moves, name, steps }) => {
      const pair = [`${name}-hpa`, `${name}-ours`] as const
      demand.set(name, 20)
      for (const deployment of pair) await plane.createDeployment(namespace, deployment, 2)
      for (const deployment of pair) await plane.deploymentReady(namespace, deployment, 2)
      await Promise.all([createHpa(name, pair[0], behavior), createPolicy(name, pair[1], behavior)])
      await syncs(name, 2)

      const both = () => Promise.all(pair.map((deployment) => replicasOf(plane, namespace, deployment)))
      for (const { syncs: count = 2, until, value } of steps) {
        demand.set(name, value)
        if (until !== undefined) {
          await eventually(
            async (seen) => {
              const now = await both()
              seen(now)
              return now.every((replicas) => replicas === until)
            },
            { what: `${pair.join(" and ")} to have ${until} replicas`, timeoutMillis: 400_000 }
          )
        }
        await syncs(name, count)
      }

      const [hpa = [], ours = []] = await Promise.all(
        pair.map((deployment) => changesOf(plane, namespace, deployment, 2))
      )
      expect(ours.map(({ move }) => move)).toEqual(hpa.map(({ move }) => move))
      expect(hpa.map(({ move }) => move)).toEqual(moves)
      const apart = hpa.map(({ atMillis }, index) => Math.abs(atMillis - (ours[index]?.atMillis ?? NaN)))
      process.stdout.write(`behavior ${name}: ${moves.join(", ")}; apart by ${apart.join(", ")} ms\n`)
      expect(Math.max(...apart)).toBeLessThanOrEqual(SYNC_MILLIS + MOMENTS_MILLIS)
    })
  })
})
