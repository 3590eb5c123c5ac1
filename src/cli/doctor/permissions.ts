/** Each verb on each resource that the operator uses, where it uses it: what the API server is asked about. */
import type { Permission as Asked } from "#cli/doctor/cluster"
import { clusterPermissions, ownPermissions, type Permission, secretPermissions } from "#manifests/permissions"
import type { CrdKind } from "#schemas/crd/Crd"

const spread = (permissions: ReadonlyArray<Permission>, namespaces: ReadonlyArray<string | undefined>) =>
  namespaces.flatMap((namespace) =>
    permissions.flatMap(({ group, resources, verbs }) =>
      resources.flatMap((resource) =>
        verbs.map((verb): Asked =>
          namespace === undefined ? { group, resource, verb } : { group, resource, verb, namespace }
        )
      )
    )
  )

export const permissionsOf = (
  kinds: ReadonlyArray<CrdKind>,
  watched: ReadonlyArray<string> | undefined,
  home: string
): { readonly needed: ReadonlyArray<Asked>; readonly secrets: ReadonlyArray<Asked> } => {
  const namespaces = watched ?? [undefined]
  return {
    needed: [...spread(clusterPermissions(kinds), namespaces), ...spread(ownPermissions, [home])],
    secrets: spread(secretPermissions, namespaces)
  }
}
