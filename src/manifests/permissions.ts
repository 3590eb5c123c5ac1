/**
 * What the operator does to a cluster, verb by verb, each with its reason. RBAC is generated from it and `doctor` asks
 * about it; a test holds it against the API server's audit log, so that nothing is granted that nobody uses. No wildcards.
 */
import type { CrdKind } from "#schemas/crd/Crd"

export interface Permission {
  readonly why: string
  readonly group: string
  readonly resources: ReadonlyArray<string>
  readonly verbs: ReadonlyArray<string>
}

const WATCH = ["list", "watch"]

/** In every namespace that it watches. */
export const clusterPermissions = (kinds: ReadonlyArray<CrdKind>): ReadonlyArray<Permission> => [
  ...kinds.flatMap(({ group, kind, plural }): ReadonlyArray<Permission> => [
    { why: `reads every ${kind}`, group, resources: [plural], verbs: WATCH },
    { why: "reports what it saw and did", group, resources: [`${plural}/status`], verbs: ["patch"] }
  ]),
  {
    why: "reads workloads, their rollouts, whose pods are whose, and who wrote replicas when an answer was lost",
    group: "apps",
    resources: ["deployments", "replicasets", "statefulsets"],
    verbs: ["get", ...WATCH]
  },
  {
    why: "scales, and nothing else",
    group: "apps",
    resources: ["deployments/scale", "replicasets/scale", "statefulsets/scale"],
    verbs: ["get", "patch"]
  },
  { why: "counts pods and sees which are ready or failing", group: "", resources: ["pods"], verbs: WATCH },
  { why: "reads CPU and memory of pods", group: "metrics.k8s.io", resources: ["pods"], verbs: ["list"] },
  {
    why: "keeps above the floor of a disruption budget",
    group: "policy",
    resources: ["poddisruptionbudgets"],
    verbs: WATCH
  },
  {
    why: "sees that an HPA holds a target",
    group: "autoscaling",
    resources: ["horizontalpodautoscalers"],
    verbs: WATCH
  },
  { why: "sees that KEDA holds a target", group: "keda.sh", resources: ["scaledobjects"], verbs: WATCH },
  { why: "tells what it did", group: "events.k8s.io", resources: ["events"], verbs: ["create", "patch"] }
]

/** A role of its own, so that it can be left out or bound in some namespaces only. */
export const secretPermissions: ReadonlyArray<Permission> = [
  {
    why: "reads the Secrets that policies name, each by its name; it never lists or watches them",
    group: "",
    resources: ["secrets"],
    verbs: ["get"]
  }
]

/** In the operator's own namespace. */
export const ownPermissions: ReadonlyArray<Permission> = [
  {
    why: "elects a leader",
    group: "coordination.k8s.io",
    resources: ["leases"],
    verbs: ["get", "create", "update"]
  },
  {
    why: "keeps windows and models across restarts, and sweeps those of policies that are gone",
    group: "",
    resources: ["configmaps"],
    verbs: ["get", "list", "create", "patch", "delete"]
  }
]

/** Only for an operator that runs with INSTALL_CRDS=true; bound to nobody by the manifests. */
export const installPermissions = (names: ReadonlyArray<string>) => ({
  create: {
    why: "installs the CRDs",
    group: "apiextensions.k8s.io",
    resources: ["customresourcedefinitions"],
    verbs: ["create"]
  },
  named: {
    why: "reads and renews the CRDs of its own kinds",
    group: "apiextensions.k8s.io",
    resources: ["customresourcedefinitions"],
    resourceNames: names,
    verbs: ["get", "patch"]
  }
})
