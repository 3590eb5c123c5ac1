/** What a TinyApi serves unless told otherwise: the kinds that the operator reads and writes. */
import type { JsonObject, Resource } from "#test/worlds/TinyStore"
import { isObject, objectAt, textAt } from "#test/worlds/TinyStore"

const named = (group: string, version: string, kind: string, plural: string): Resource => ({
  group,
  version,
  kind,
  plural,
  namespaced: true,
  status: false
})

const scaled = { spec: "spec.replicas", status: "status.replicas", selector: "spec.selector" }
const scaledByText = { ...scaled, selector: "status.selector" }

export const BUILT_IN: ReadonlyArray<Resource> = [
  { ...named("", "v1", "Namespace", "namespaces"), namespaced: false, status: true },
  { ...named("", "v1", "Pod", "pods"), status: true },
  named("", "v1", "ConfigMap", "configmaps"),
  named("", "v1", "Secret", "secrets"),
  named("", "v1", "Event", "events"),
  { ...named("apps", "v1", "Deployment", "deployments"), status: true, scale: scaled },
  { ...named("apps", "v1", "StatefulSet", "statefulsets"), status: true, scale: scaled },
  { ...named("apps", "v1", "ReplicaSet", "replicasets"), status: true, scale: scaled },
  { ...named("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"), status: true },
  { ...named("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"), status: true },
  named("coordination.k8s.io", "v1", "Lease", "leases"),
  named("events.k8s.io", "v1", "Event", "events"),
  named("metrics.k8s.io", "v1beta1", "PodMetrics", "pods"),
  {
    ...named("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions"),
    namespaced: false,
    status: true
  },
  { ...named("nimbusguard.io", "v1", "ScalingPolicy", "scalingpolicies"), status: true },
  { ...named("nimbusguard.io", "v1alpha1", "IntelligentScaling", "intelligentscaling"), status: true },
  { ...named("scaling.example.com", "v1", "ScalingRule", "scalingrules"), status: true },
  { ...named("autoscaling.generalscaler.io", "v1alpha1", "GeneralScaler", "generalscalers"), status: true }
]

/** Not there unless a test defines them: what other autoscalers and owners of pods bring along. */
export const SCALED_OBJECT: Resource = {
  ...named("keda.sh", "v1alpha1", "ScaledObject", "scaledobjects"),
  status: true
}
export const ROLLOUT: Resource = {
  ...named("argoproj.io", "v1alpha1", "Rollout", "rollouts"),
  status: true,
  scale: scaledByText
}

/** The resource that a CustomResourceDefinition asks for, by its storage version. */
export const resourceOf = (definition: JsonObject): Resource | undefined => {
  const spec = objectAt(definition, "spec")
  const names = objectAt(spec, "names")
  const versions = Array.isArray(spec["versions"]) ? spec["versions"].filter(isObject) : []
  const version = versions.find((one) => one["storage"] === true) ?? versions[0]
  const [group, kind, plural] = [textAt(spec, "group"), textAt(names, "kind"), textAt(names, "plural")]
  if (version === undefined || group === undefined || kind === undefined || plural === undefined) return undefined
  const subresources = objectAt(version, "subresources")
  const scale = subresources["scale"]
  const path = (key: string) => (isObject(scale) ? textAt(scale, key)?.replace(/^\./u, "") : undefined)
  const [specPath, statusPath, selectorPath] = [
    path("specReplicasPath"),
    path("statusReplicasPath"),
    path("labelSelectorPath")
  ]
  return {
    ...named(group, textAt(version, "name") ?? "v1", kind, plural),
    namespaced: spec["scope"] !== "Cluster",
    status: subresources["status"] !== undefined,
    ...(specPath === undefined || statusPath === undefined
      ? {}
      : {
          scale: {
            spec: specPath,
            status: statusPath,
            ...(selectorPath === undefined ? {} : { selector: selectorPath })
          }
        })
  }
}
