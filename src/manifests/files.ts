/** Every generated file of manifests/, by its path there, so that writing and checking cannot disagree. */
import { KINDS } from "#schemas/crd/index"
import { crdName, definitionOf } from "#manifests/crd"
import { fillHole } from "#manifests/plugs"
import { rbacFiles } from "#manifests/rbac"
import { toYaml } from "#manifests/yaml"

export interface GeneratedFile {
  readonly path: string
  readonly text: string
}

/** Folders in which every file is generated. */
export const GENERATED_FOLDERS = ["crd", "rbac"]

const kustomization = (folder: string, resources: ReadonlyArray<string>): GeneratedFile => ({
  path: `${folder}/kustomization.yaml`,
  text: toYaml([{ apiVersion: "kustomize.config.k8s.io/v1beta1", kind: "Kustomization", resources }])
})

export const generatedFiles = (version: string): ReadonlyArray<GeneratedFile> => {
  const crds = KINDS.map((kind) => ({ name: `${crdName(kind)}.yaml`, document: definitionOf(kind, version, fillHole) }))
  const rbac = rbacFiles(KINDS)
  return [
    ...crds.map(({ document, name }) => ({ path: `crd/${name}`, text: toYaml([document]) })),
    kustomization(
      "crd",
      crds.map(({ name }) => name)
    ),
    ...rbac.map(([name, objects]) => ({ path: `rbac/${name}`, text: toYaml(objects) })),
    kustomization(
      "rbac",
      rbac.map(([name]) => name)
    )
  ]
}

/** What `kubectl apply -f` takes without kustomize: the base's own files and the generated ones, in the base's order. */
export const installFile = (
  resources: ReadonlyArray<string>,
  textOf: (resource: string) => string,
  generated: ReadonlyArray<GeneratedFile>
): GeneratedFile => {
  const texts = resources.flatMap((resource) => {
    const folder = /^\.\.\/(\w+)$/u.exec(resource)?.[1]
    return folder === undefined
      ? [textOf(resource)]
      : generated
          .filter(({ path }) => path.startsWith(`${folder}/`) && !path.endsWith("/kustomization.yaml"))
          .map(({ text }) => text)
  })
  return { path: "install.yaml", text: texts.map((text) => text.trimEnd()).join("\n---\n") + "\n" }
}
