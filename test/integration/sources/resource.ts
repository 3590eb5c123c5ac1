// metrics.k8s.io for the contract suite: a metrics server behind an APIService of a real API server, in a control plane of
// its own, because there is one such API in a cluster. The wire is the operator's to the API server; statuses and odd
// numbers are the metrics server's, and come through the aggregator.
import { Layer } from "effect"
import { layer as kubernetesLayer } from "#services/KubernetesLive"
import { ControlPlane } from "#test/controlplane/ControlPlane"
import { MetricsApi } from "#test/controlplane/MetricsApi"
import { pod } from "#test/sources/sourceWorld"
import { type Cell, type Injected, type SourceFixture, wireCells } from "./Fixture.ts"

export const fixture: SourceFixture = {
  needs: ["controlPlane"],
  start: async (wire) => {
    const plane = await ControlPlane.start()
    const metrics = await MetricsApi.start(plane)
    wire.connectTo(Number(new URL(plane.url).port))
    const namespace = await plane.newNamespace("resource")
    await plane.createDeployment(namespace, "web", 2)
    await plane.deploymentReady(namespace, "web", 2)
    const { items } = await plane.list(`/api/v1/namespaces/${namespace}/pods`)
    const names = items.map(({ metadata }) => metadata?.name ?? "")
    metrics.setUsage(() => ({ cpuMillis: 70, memoryBytes: 1_000_000 }))

    const failing = (status: number, gives: Injected["gives"], remedy: RegExp): Injected => ({
      gives,
      remedy,
      inject: () => {
        metrics.failWith(status)
        return () => metrics.failWith(undefined)
      }
    })
    const saying = (gives: Injected["gives"], remedy: RegExp, answer: ReadonlyArray<object> | string): Injected => ({
      gives,
      remedy,
      inject: () => {
        metrics.answerWith(answer)
        return () => metrics.answerWith(undefined)
      }
    })
    const using = (cpu: unknown, ageMillis = 0) =>
      names.map((name) => ({
        metadata: { name, namespace },
        timestamp: new Date(Date.now() - ageMillis).toISOString(),
        window: "15s",
        containers: [{ name: "app", usage: { cpu, memory: "1000000" } }]
      }))
    const noSamples = (cpu: unknown): Cell => saying("NoSamples", /check metrics-server/u, using(cpu))
    const wires = wireCells(wire)
    const later = /asked again at a later tick/u
    return {
      options: { resource: "cpu" },
      input: {
        target: { apiVersion: "apps/v1", kind: "Deployment", namespace, name: "web" },
        pods: names.map((name) => pod(name, { namespace }))
      },
      healthy: 0.07,
      kubernetes: Layer.orDie(
        kubernetesLayer({ kubeconfig: await plane.kubeconfig({ server: `https://${wire.address}` }) })
      ),
      cells: {
        refused: { ...wires.refused, remedy: later },
        reset: { ...wires.reset, gives: ["Unreachable", "Timeout"], remedy: /later tick|Check metrics-server/u },
        timeout: { ...wires.timeout, gives: ["Timeout", "Unreachable"], remedy: /later tick|Check metrics-server/u },
        slowBody: { ...wires.slowBody, gives: ["Timeout", "Unreachable"], remedy: /later tick|Check metrics-server/u },
        truncated: {
          ...wires.truncated,
          gives: ["Unreachable", "Timeout", "Malformed"],
          remedy: /later tick|Check metrics-server|Check what serves/u
        },
        401: failing(401, "Unauthorized", /Let the operator's ServiceAccount "list" pods/u),
        403: failing(403, "Forbidden", /Let the operator's ServiceAccount "list" pods/u),
        404: failing(404, "NotFound", /Install metrics-server/u),
        429: failing(429, "Throttled", later),
        500: failing(500, "HttpStatus", /Check the APIService/u),
        wrongType: saying("Malformed", /Check what serves metrics\.k8s\.io/u, '{"kind":"PodMetricsList","items":42}'),
        NaN: noSamples("NaN"),
        Inf: noSamples("+Inf"),
        empty: saying("NoSamples", /check metrics-server/u, []),
        negative: noSamples("-5m"),
        overflow: { ...noSamples("9e300"), gives: ["NoSamples", "Overflow"], remedy: /metrics-server|origin/u },
        stale: {
          ...saying("Stale", /Check metrics-server/u, using("70m", 300_000)),
          signal: { maxSampleAgeMillis: 60_000 }
        }
      },
      stop: async () => {
        await metrics.close()
        await plane.stop()
      }
    }
  }
}
