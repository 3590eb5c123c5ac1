// What is written by hand in manifests/ must fit what the operator reads and serves: variables, ports, labels, paths.
import { assert, describe, it } from "@effect/vitest"
import { BlockList } from "node:net"
import { readdirSync, readFileSync } from "node:fs"
import { parseAllDocuments } from "yaml"
import { RANGES } from "#services/forbiddenAddresses"
import { SETTINGS } from "#services/Settings"

const root = new URL("../../manifests/", import.meta.url)

/** YAML as it comes: what is asked for is what the test expects to be there. */
interface Json {
  readonly [key: string]: Json
}
const list = (value: Json | undefined): ReadonlyArray<Json> => value as unknown as ReadonlyArray<Json>
const text = (value: Json | undefined): string => value as unknown as string

const documents = (path: string): ReadonlyArray<Json> =>
  parseAllDocuments(readFileSync(new URL(path, root), "utf8")).map((document) => document.toJS() as Json)

const one = (path: string, kind: string): Json => {
  const found = documents(path).find((document) => text(document["kind"]) === kind)
  if (found === undefined) throw new Error(`${path} holds no ${kind}`)
  return found
}

const deployment = one("base/deployment.yaml", "Deployment")
const pod = deployment["spec"]!["template"]!
const container = pod["spec"]!["containers"]!["0"]!
const known = new Set(Object.values(SETTINGS).flatMap(({ aliases, variable }) => [variable, ...aliases]))

describe("the production overlay", () => {
  it("lets no packet out to an address of metadata that the operator itself would never ask", () => {
    const egress = list(one("overlays/production/network.yaml", "NetworkPolicy")["spec"]!["egress"])
    const blocks = egress.flatMap((rule) => (rule["to"] === undefined ? [] : list(rule["to"])))
    const except = blocks.flatMap((block) => list(block["ipBlock"]!["except"])).map(text)
    const covered = (address: string) =>
      except.some((range) => {
        const family = address.includes(":") ? "ipv6" : "ipv4"
        const [base = "", bits] = range.split("/")
        if (base.includes(":") !== address.includes(":")) return false
        const blocked = new BlockList()
        blocked.addSubnet(base, Number(bits), family)
        return blocked.check(address, family)
      })
    const metadata = RANGES.filter(([rule]) => rule === "Metadata").flatMap(([, ranges]) => ranges)
    assert.isAbove(metadata.length, 5)
    assert.deepStrictEqual(
      metadata.filter((range) => !covered(range.split("/")[0] ?? "")),
      []
    )
  })
})

describe("the deployable base", () => {
  it("is named as the seeds' commands expect and carries both labels", () => {
    assert.strictEqual(text(deployment["metadata"]!["name"]), "nimbusguard-operator")
    assert.strictEqual(text(deployment["metadata"]!["namespace"]), "nimbusguard")
    for (const labels of [pod["metadata"]!["labels"]!, deployment["spec"]!["selector"]!["matchLabels"]!]) {
      assert.strictEqual(text(labels["app"]), "nimbusguard-operator")
      assert.strictEqual(text(labels["app.kubernetes.io/name"]), "nimbusguard-operator")
    }
  })

  it.each(["base/deployment.yaml", "overlays/production/deployment.yaml"])(
    "%s sets only variables that are read",
    (path) => {
      const env = one(path, "Deployment")["spec"]!["template"]!["spec"]!["containers"]!["0"]!["env"]!
      const names = list(env).map((entry) => text(entry["name"]))
      assert.isAbove(names.length, 0)
      assert.deepStrictEqual(
        names.filter((name) => !known.has(name)),
        []
      )
    }
  )

  it("opens the ports that the operator listens on by default", () => {
    const ports = list(container["ports"]).map((port) => Number(port["containerPort"]))
    const surroundings = { inCluster: true, terminal: false, hostname: "pod", namespace: "nimbusguard" }
    const defaults = [SETTINGS.metricsPort, SETTINGS.probePort, SETTINGS.dashboardPort]
    assert.deepStrictEqual(
      ports,
      defaults.map((setting) => setting.whenAbsent(surroundings))
    )
  })

  it("probes the paths that the operator answers", () => {
    assert.strictEqual(text(container["livenessProbe"]!["httpGet"]!["path"]), "/healthz")
    assert.strictEqual(text(container["readinessProbe"]!["httpGet"]!["path"]), "/readyz")
  })

  it("reads the OpenAI key from an optional Secret", () => {
    const key = list(container["env"]).find((entry) => text(entry["name"]) === "OPENAI_API_KEY")!
    assert.deepStrictEqual(key["valueFrom"]!["secretKeyRef"] as unknown, {
      name: "nimbusguard-openai",
      key: "api-key",
      optional: true
    })
  })
})

describe("the examples", () => {
  // Of the sources there are policies alone: test/manifests/examples.test.ts has their rules.
  const folders = readdirSync(new URL("examples/", root)).filter((folder) => folder !== "sources")

  it.each(folders)("%s holds a workload without replicas and a policy that targets it", (folder) => {
    const workloads = documents(`examples/${folder}/workload.yaml`).filter(({ kind }) => text(kind) === "Deployment")
    assert.isAbove(workloads.length, 0)
    for (const workload of workloads) assert.notProperty(workload["spec"]!, "replicas")
    const [policy] = documents(`examples/${folder}/scaler.yaml`)
    const spec = policy!["spec"]!
    const target = spec["target"]?.["name"] ?? spec["targetRef"]?.["name"] ?? spec["deploymentName"]
    if (target === undefined) {
      const wanted = Object.entries(spec["target_labels"] as unknown as Record<string, string>)
      for (const workload of workloads) {
        for (const [key, value] of wanted) assert.strictEqual(text(workload["metadata"]!["labels"]![key]), value)
      }
    } else {
      assert.include(
        workloads.map((workload) => text(workload["metadata"]!["name"])),
        text(target)
      )
    }
  })
})
