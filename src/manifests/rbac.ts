/** ServiceAccount, roles and bindings, made from what the operator does. */
import type { CrdKind } from "#schemas/crd/Crd"
import { crdName } from "#manifests/crd"
import { clusterPermissions, installPermissions, ownPermissions, secretPermissions } from "#manifests/permissions"
import type { Permission } from "#manifests/permissions"

export const NAMESPACE = "nimbusguard"
export const SERVICE_ACCOUNT = "nimbusguard-operator"

/** ClusterRoles that carry it become part of the operator's own: how other kinds with /scale are opened to it. */
export const AGGREGATION_LABEL = "nimbusguard.io/aggregate-to-operator"

interface PolicyRule {
  readonly apiGroups: ReadonlyArray<string>
  readonly resources: ReadonlyArray<string>
  readonly resourceNames?: ReadonlyArray<string>
  readonly verbs: ReadonlyArray<string>
}

export interface RbacObject {
  readonly apiVersion: string
  readonly kind: "ServiceAccount" | "ClusterRole" | "ClusterRoleBinding" | "Role" | "RoleBinding"
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly [field: string]: unknown
}

const API = "rbac.authorization.k8s.io/v1"
const LABELS = { "app.kubernetes.io/name": "nimbusguard", "app.kubernetes.io/part-of": "nimbusguard" }

const ruleOf = ({ group, resources, verbs, ...rest }: Permission & { resourceNames?: ReadonlyArray<string> }) => ({
  apiGroups: [group],
  resources,
  ...(rest.resourceNames === undefined ? {} : { resourceNames: rest.resourceNames }),
  verbs
})

const clusterRole = (
  name: string,
  rules: ReadonlyArray<PolicyRule>,
  description: string,
  labels: Readonly<Record<string, string>> = {}
): RbacObject => ({
  apiVersion: API,
  kind: "ClusterRole",
  metadata: { name, labels: { ...LABELS, ...labels }, annotations: { "kubernetes.io/description": description } },
  rules
})

const subjects = [{ kind: "ServiceAccount", name: SERVICE_ACCOUNT, namespace: NAMESPACE }]

const roleRef = (kind: "ClusterRole" | "Role", name: string) => ({
  apiGroup: "rbac.authorization.k8s.io",
  kind,
  name
})

const bindEverywhere = (role: string): RbacObject => ({
  apiVersion: API,
  kind: "ClusterRoleBinding",
  metadata: { name: role, labels: LABELS },
  roleRef: roleRef("ClusterRole", role),
  subjects
})

const serviceAccount: RbacObject = {
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { name: SERVICE_ACCOUNT, namespace: NAMESPACE, labels: LABELS }
}

/** Everything that the operator has, gathered from the roles that carry the label. */
const gathered: RbacObject = {
  apiVersion: API,
  kind: "ClusterRole",
  metadata: {
    name: "nimbusguard-operator",
    labels: LABELS,
    annotations: {
      "kubernetes.io/description": `What the operator may do everywhere, gathered from the ClusterRoles labelled ${AGGREGATION_LABEL}=true. To let it scale another kind, label a ClusterRole with get, list and watch on that kind and get and patch on its scale subresource.`
    }
  },
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [AGGREGATION_LABEL]: "true" } }] }
}

const operatorRoles = (kinds: ReadonlyArray<CrdKind>): ReadonlyArray<RbacObject> => [
  gathered,
  clusterRole(
    "nimbusguard-operator-scaling",
    clusterPermissions(kinds).map(ruleOf),
    "What the operator needs in every namespace that it watches.",
    { [AGGREGATION_LABEL]: "true" }
  ),
  clusterRole(
    "nimbusguard-operator-secrets",
    secretPermissions.map(ruleOf),
    "Lets the operator read the Secrets that policies name. Delete its ClusterRoleBinding and bind it in some namespaces by RoleBindings to narrow it."
  ),
  bindEverywhere("nimbusguard-operator"),
  bindEverywhere("nimbusguard-operator-secrets"),
  {
    apiVersion: API,
    kind: "Role",
    metadata: { name: "nimbusguard-operator", namespace: NAMESPACE, labels: LABELS },
    rules: ownPermissions.map(ruleOf)
  },
  {
    apiVersion: API,
    kind: "RoleBinding",
    metadata: { name: "nimbusguard-operator", namespace: NAMESPACE, labels: LABELS },
    roleRef: roleRef("Role", "nimbusguard-operator"),
    subjects
  }
]

const installer = (kinds: ReadonlyArray<CrdKind>): RbacObject => {
  const { create, named } = installPermissions(kinds.map(crdName))
  return clusterRole(
    "nimbusguard-crd-installer",
    [ruleOf(create), ruleOf(named)],
    "For an operator with INSTALL_CRDS=true. The manifests ship the CRDs and bind this to nobody."
  )
}

/** For people: what view, edit and admin of a namespace mean for policies. */
const userRoles = (kinds: ReadonlyArray<CrdKind>): ReadonlyArray<RbacObject> => {
  const rules = (verbs: ReadonlyArray<string>): ReadonlyArray<PolicyRule> =>
    kinds.map(({ group, plural }) => ({ apiGroups: [group], resources: [plural], verbs }))
  const aggregate = (...roles: ReadonlyArray<string>) =>
    Object.fromEntries(roles.map((role) => [`rbac.authorization.k8s.io/aggregate-to-${role}`, "true"]))
  return [
    clusterRole(
      "nimbusguard-view",
      rules(["get", "list", "watch"]),
      "Part of view: whoever may see a namespace sees its policies.",
      aggregate("view", "edit", "admin")
    ),
    clusterRole(
      "nimbusguard-edit",
      rules(["create", "update", "patch", "delete", "deletecollection"]),
      "Part of edit: whoever may edit a namespace edits its policies.",
      aggregate("edit", "admin")
    )
  ]
}

/** By file name. */
export const rbacFiles = (
  kinds: ReadonlyArray<CrdKind>
): ReadonlyArray<readonly [string, ReadonlyArray<RbacObject>]> => [
  ["service-account.yaml", [serviceAccount]],
  ["operator.yaml", operatorRoles(kinds)],
  ["crd-installer.yaml", [installer(kinds)]],
  ["users.yaml", userRoles(kinds)]
]
