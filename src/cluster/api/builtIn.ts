/** The built-in kinds that are served. */
import type { Structural } from "#manifests/structural"
import { columnsOf } from "#cluster/api/columns"
import { EVENTS } from "#cluster/api/eventGuise"
import type { JsonObject } from "#cluster/api/json"
import { schemaCauses } from "#cluster/api/judging"
import type { Resource, ScalePaths } from "#cluster/api/Resource"
import { SHAPES } from "#cluster/api/shapes"

const SCALE: ScalePaths = { spec: "spec.replicas", status: "status.replicas", selector: "spec.selector" }

/** plural, kind, group/version, what it has (cluster: no namespace; spec: a generation), short names, selectable fields */
const SERVED = `
namespaces               Namespace               v1                        cluster,status           ns     status.phase
nodes                    Node                    v1                        cluster,status           no     spec.unschedulable
pods                     Pod                     v1                        status,spec,all          po     spec.nodeName,spec.restartPolicy,status.phase,status.podIP
configmaps               ConfigMap               v1                        -                        cm     -
secrets                  Secret                  v1                        -                        -      type
services                 Service                 v1                        status,all               svc    -
serviceaccounts          ServiceAccount          v1                        -                        sa     -
events                   Event                   v1                        -                        ev     reason,type,involvedObject
events                   Event                   events.k8s.io/v1          -                        ev     reason,type,regarding
deployments              Deployment              apps/v1                   status,spec,scale,all    deploy -
statefulsets             StatefulSet             apps/v1                   status,spec,scale,all    sts    -
replicasets              ReplicaSet              apps/v1                   status,spec,scale,all    rs     status.replicas
horizontalpodautoscalers HorizontalPodAutoscaler autoscaling/v2            status,all               hpa    -
poddisruptionbudgets     PodDisruptionBudget     policy/v1                 status,spec              pdb    -
leases                   Lease                   coordination.k8s.io/v1    -                        -      -
customresourcedefinitions CustomResourceDefinition apiextensions.k8s.io/v1 cluster,status,spec      crd,crds -
selfsubjectaccessreviews SelfSubjectAccessReview authorization.k8s.io/v1   cluster                  -      -
`

const IN_REFERENCE = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"]
const words = (text = "-"): ReadonlyArray<string> => (text === "-" ? [] : text.split(","))

const served = (line: string): Resource => {
  const [plural = "", kind = "", groupVersion = "", has, shortNames, selectable] = line.split(/\s+/u)
  const [version = "", group = ""] = groupVersion.split("/").toReversed()
  const features = new Set(words(has))
  const shape: Structural = SHAPES[kind as keyof typeof SHAPES]
  const review = kind === "SelfSubjectAccessReview"
  return {
    ...{ group, version, kind, plural, singular: kind.toLowerCase(), schema: shape, custom: false },
    ...columnsOf(kind),
    shortNames: words(shortNames),
    categories: features.has("all") ? ["all"] : [],
    namespaced: !features.has("cluster"),
    status: features.has("status"),
    scale: features.has("scale") ? SCALE : undefined,
    generation: features.has("spec"),
    judge: schemaCauses(shape),
    selectable: words(selectable).flatMap((field) =>
      ["involvedObject", "regarding"].includes(field) ? IN_REFERENCE.map((one) => `${field}.${one}`) : [field]
    ),
    guise: group === "events.k8s.io" ? EVENTS : undefined,
    answered: review ? (asked) => ({ ...asked, status: { allowed: true } }) : undefined
  }
}

export const builtIn = (): ReadonlyArray<Resource> => SERVED.trim().split("\n").map(served)

/** What `kubectl top` asks; the numbers are whoever's that runs the pods. */
export const metricsOf = (plural: "pods" | "nodes", computed: () => ReadonlyArray<JsonObject>): Resource => ({
  ...served(`${plural} ServiceAccount metrics.k8s.io/v1beta1 ${plural === "nodes" ? "cluster" : "-"}`),
  kind: plural === "pods" ? "PodMetrics" : "NodeMetrics",
  singular: "",
  computed
})
