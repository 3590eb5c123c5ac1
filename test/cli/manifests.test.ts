import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fromYaml, GENERATED_BY } from "#manifests/yaml"
import { called } from "#test/cli/called"
import { nimbusguard } from "#test/cli/nimbusguard"

const root = new URL("../..", import.meta.url).pathname
let folder = ""
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "manifests-"))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe("nimbusguard manifests", () => {
  it("prints every object, for kubectl apply -f -", async () => {
    const { code, stdout } = await called(["manifests"])
    const kinds = fromYaml(stdout).map(({ value }) => (value as { readonly kind: string }).kind)
    assert.strictEqual(code, 0)
    assert.strictEqual(kinds.filter((kind) => kind === "CustomResourceDefinition").length, 4)
    assert.includeMembers(kinds, ["ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"])
    assert.notInclude(kinds, "Kustomization")
  })

  it("prints all of it to a reader that takes its time", () => {
    const slow = ["-c", '"$0" src/main.ts manifests | { sleep 1; cat; }', process.execPath]
    const { stdout } = spawnSync("sh", slow, { cwd: root, encoding: "utf8", maxBuffer: 2 ** 24 })
    assert.strictEqual(stdout, nimbusguard(["manifests"]).stdout)
    assert.isAbove(stdout.length, 100_000)
  })

  it("writes them, and finds them up to date", async () => {
    assert.strictEqual((await called(["manifests", "--write", folder])).code, 0)
    assert.deepStrictEqual(readdirSync(folder).toSorted(), ["crd", "rbac"])
    const { code, stdout } = await called(["manifests", "--check", folder])
    assert.strictEqual(code, 0)
    assert.include(stdout, "up to date")
  })

  it("names what is stale, missing or left over, and mends it", async () => {
    const rule = join(folder, "crd/scalingrules.scaling.example.com.yaml")
    writeFileSync(rule, readFileSync(rule, "utf8").replace("NATS", "natz"))
    rmSync(join(folder, "rbac/users.yaml"))
    writeFileSync(join(folder, "rbac/old.yaml"), `${GENERATED_BY}kind: Role\n`)
    writeFileSync(join(folder, "rbac/mine.yaml"), "kind: Role\n")
    const { code, stderr } = await called(["manifests", "--check", folder])
    assert.strictEqual(code, 1)
    const named = [...stderr.matchAll(/^ {2}\S+\/(crd|rbac)\/(\S+)$/gmu)].map(([, , file]) => file)
    assert.deepStrictEqual(named, ["scalingrules.scaling.example.com.yaml", "old.yaml", "users.yaml"])

    assert.strictEqual((await called(["manifests", "--write", folder, "--check", folder])).code, 0)
    assert.include(readdirSync(join(folder, "rbac")), "mine.yaml")
    assert.notInclude(readdirSync(join(folder, "rbac")), "old.yaml")
  })

  it("makes the one plain file where there is a base", async () => {
    cpSync(new URL("../../manifests/base", import.meta.url).pathname, join(folder, "base"), { recursive: true })
    assert.strictEqual((await called(["manifests", "--write", folder])).code, 0)
    const objects = fromYaml(readFileSync(join(folder, "install.yaml"), "utf8"))
    const kinds = objects.map(({ value }) => (value as { readonly kind: string }).kind)
    assert.strictEqual(kinds[0], "Namespace")
    assert.includeMembers(kinds, ["CustomResourceDefinition", "ClusterRole", "Deployment", "Service"])
  })

  it("is what the repository holds", async () => {
    assert.strictEqual((await called(["manifests", "--check", "manifests"])).stderr, "")
  })
})
