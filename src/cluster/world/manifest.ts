/** The Deployment or StatefulSet of a workload that nobody has applied. */
import type { JsonObject } from "#cluster/api/json"
import type { WorkloadSpec } from "#cluster/world/WorkloadSpec"

export const USUAL_REQUESTS = { cpu: "100m", memory: "128Mi" } as const

export const manifestOf = ({
  kind = "Deployment",
  labels,
  name,
  namespace = "default",
  replicas = 1,
  requests = USUAL_REQUESTS
}: WorkloadSpec): JsonObject => {
  const own = { app: name }
  return {
    apiVersion: "apps/v1",
    kind,
    metadata: { name, namespace, labels: { ...own, ...labels } },
    spec: {
      replicas,
      ...(kind === "StatefulSet" ? { serviceName: name } : {}),
      selector: { matchLabels: own },
      template: {
        metadata: { labels: { ...own, ...labels } },
        spec: { containers: [{ name, image: "embedded/workload", resources: { requests } }] }
      }
    }
  }
}
