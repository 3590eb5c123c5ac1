import { assert, describe, it } from "@effect/vitest"
import { KINDS } from "#schemas/crd/index"
import { clusterPermissions, installPermissions, ownPermissions, secretPermissions } from "#manifests/permissions"
import { AGGREGATION_LABEL, NAMESPACE, rbacFiles, SERVICE_ACCOUNT } from "#manifests/rbac"
import type { RbacObject } from "#manifests/rbac"

const objects = rbacFiles(KINDS).flatMap(([, all]) => all)

interface Rule {
  readonly apiGroups: ReadonlyArray<string>
  readonly resources: ReadonlyArray<string>
  readonly resourceNames?: ReadonlyArray<string>
  readonly verbs: ReadonlyArray<string>
}
const rulesOf = (object: RbacObject) => (object["rules"] ?? []) as ReadonlyArray<Rule>

const named = (kind: RbacObject["kind"], name: string): RbacObject => {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name)
  if (found === undefined) throw new Error(`no ${kind} ${name}`)
  return found
}

const labelled = objects.filter(
  ({ kind, metadata }) => kind === "ClusterRole" && metadata.labels[AGGREGATION_LABEL] === "true"
)
const may = (verb: string, resource: string, group: string, roles: ReadonlyArray<RbacObject> = labelled) =>
  roles
    .flatMap(rulesOf)
    .some(
      ({ apiGroups, resources, verbs }) =>
        apiGroups.includes(group) && resources.includes(resource) && verbs.includes(verb)
    )

describe("the operator's permissions", () => {
  it("hold no wildcard", () => {
    for (const rule of objects.flatMap(rulesOf)) {
      for (const word of [...rule.apiGroups, ...rule.resources, ...rule.verbs]) assert.notInclude(word, "*")
    }
  })

  it("each say what they are for", () => {
    const { create, named: renew } = installPermissions([])
    for (const { why } of [...clusterPermissions(KINDS), ...secretPermissions, ...ownPermissions, create, renew]) {
      assert.isAbove(why.length, 5)
    }
  })

  it.each(KINDS)("watch $kind and report on it, and never change what its author wrote", ({ group, plural }) => {
    assert.isTrue(["list", "watch"].every((verb) => may(verb, plural, group)))
    assert.isTrue(may("patch", `${plural}/status`, group))
    assert.isFalse(["create", "update", "patch", "delete"].some((verb) => may(verb, plural, group)))
  })

  it("write replicas through scale only", () => {
    for (const resource of ["deployments", "statefulsets", "replicasets"]) {
      assert.isTrue(["get", "patch"].every((verb) => may(verb, `${resource}/scale`, "apps")))
      assert.isFalse(["update", "patch", "delete", "create"].some((verb) => may(verb, resource, "apps")))
    }
    assert.isFalse(["update", "patch", "delete", "create"].some((verb) => may(verb, "pods", "")))
  })

  it("read Secrets by name, in a role that can be taken away alone", () => {
    assert.isFalse(may("get", "secrets", ""))
    const secrets = named("ClusterRole", "nimbusguard-operator-secrets")
    assert.deepStrictEqual(
      rulesOf(secrets).map(({ resources, verbs }) => [resources, verbs]),
      [[["secrets"], ["get"]]]
    )
    assert.notProperty(secrets.metadata.labels, AGGREGATION_LABEL)
  })

  it("write leases and memories in its own namespace only", () => {
    const own = [named("Role", "nimbusguard-operator")]
    assert.isTrue(may("update", "leases", "coordination.k8s.io", own))
    assert.isTrue(may("delete", "configmaps", "", own))
    assert.isFalse(may("update", "leases", "coordination.k8s.io"))
    assert.isFalse(may("get", "configmaps", ""))
  })

  it("install CRDs for nobody, and could touch none but ours", () => {
    const [, renew] = rulesOf(named("ClusterRole", "nimbusguard-crd-installer"))
    assert.deepStrictEqual(
      renew?.resourceNames,
      KINDS.map(({ group, plural }) => `${plural}.${group}`)
    )
    const bound = objects.flatMap((object) =>
      object["roleRef"] === undefined ? [] : [JSON.stringify(object["roleRef"])]
    )
    assert.isFalse(bound.some((ref) => ref.includes("crd-installer")))
  })

  it("can be extended by a label, and are bound to the one account that the Deployment uses", () => {
    assert.deepStrictEqual(named("ClusterRole", "nimbusguard-operator")["aggregationRule"], {
      clusterRoleSelectors: [{ matchLabels: { [AGGREGATION_LABEL]: "true" } }]
    })
    for (const binding of objects.filter(({ kind }) => kind.endsWith("Binding"))) {
      assert.deepStrictEqual(binding["subjects"], [
        { kind: "ServiceAccount", name: SERVICE_ACCOUNT, namespace: NAMESPACE }
      ])
      const { kind, name } = binding["roleRef"] as { readonly kind: RbacObject["kind"]; readonly name: string }
      assert.isDefined(named(kind, name))
    }
  })
})

describe("people", () => {
  it("see and edit policies where they see and edit a namespace", () => {
    const [view, edit] = [named("ClusterRole", "nimbusguard-view"), named("ClusterRole", "nimbusguard-edit")]
    assert.strictEqual(view.metadata.labels["rbac.authorization.k8s.io/aggregate-to-view"], "true")
    assert.strictEqual(edit.metadata.labels["rbac.authorization.k8s.io/aggregate-to-edit"], "true")
    assert.isUndefined(edit.metadata.labels["rbac.authorization.k8s.io/aggregate-to-view"])
    for (const { group, plural } of KINDS) {
      assert.isTrue(may("watch", plural, group, [view]))
      assert.isFalse(may("update", plural, group, [view]))
      assert.isTrue(may("delete", plural, group, [edit]))
    }
  })
})
