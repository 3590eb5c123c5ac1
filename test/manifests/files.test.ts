import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { generatedFiles, installFile } from "#manifests/files"
import { fromYaml } from "#manifests/yaml"
import { VERSION } from "#services/version"

const root = new URL("../../manifests/", import.meta.url)
const files = generatedFiles(VERSION)

describe("the generated manifests", () => {
  it.each(files)("are what the schemas say: $path (else run make generate)", ({ path, text }) => {
    assert.strictEqual(readFileSync(new URL(path, root), "utf8"), text)
  })

  it("are all listed for kustomize, each once", () => {
    for (const folder of ["crd", "rbac"]) {
      const inside = files.filter(({ path }) => path.startsWith(`${folder}/`))
      const list = inside.find(({ path }) => path.endsWith("kustomization.yaml"))
      const written = fromYaml(list?.text ?? "")[0]?.value as { readonly resources: ReadonlyArray<string> } | undefined
      const resources = written?.resources ?? []
      assert.deepStrictEqual(
        resources.map((name) => `${folder}/${name}`),
        inside.filter((file) => file !== list).map(({ path }) => path)
      )
    }
  })
})

describe("the one plain file", () => {
  it("holds the base's own resources and the generated ones, in the base's order", () => {
    const generated = [
      { path: "crd/a.yaml", text: "crd: a\n" },
      { path: "crd/kustomization.yaml", text: "resources: [a.yaml]\n" },
      { path: "rbac/b.yaml", text: "rbac: b\n" }
    ]
    const { path, text } = installFile(
      ["own.yaml", "../crd", "../rbac"],
      (resource) => `from: ${resource}\n`,
      generated
    )
    assert.strictEqual(path, "install.yaml")
    assert.deepStrictEqual(
      fromYaml(text).map(({ value }) => value),
      [{ from: "own.yaml" }, { crd: "a" }, { rbac: "b" }]
    )
  })
})
