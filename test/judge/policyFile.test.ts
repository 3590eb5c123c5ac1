import { Result } from "effect"
import { assert, describe, it } from "vitest"
import { readFileSync } from "node:fs"
import { readPolicyFile } from "#judge/policyFile"

const root = new URL("../..", import.meta.url).pathname
const fixture = (path: string) => readFileSync(`${root}test/fixtures/crd/${path}`, "utf8")
const failure = (content: string, name?: string) =>
  Result.match(readPolicyFile("f.yaml", content, name), { onFailure: (text) => text, onSuccess: () => "accepted" })

const GENERAL = fixture("valid/seed-5-generalscaler.yaml")
const DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"

describe("the policy file of decide", () => {
  it("gives the policy with its defaults and its engines, past objects that are not ours", () => {
    const file = Result.getOrThrow(readPolicyFile("f.yaml", `${DEPLOYMENT}---\n${GENERAL}`, undefined))
    assert.strictEqual(file.policy.ref.kind, "GeneralScaler")
    assert.isAbove(file.engines.length, 0)
  })

  it("looks into lists, as kubectl gives them", () => {
    const list = `apiVersion: v1\nkind: List\nitems:\n${GENERAL.trim()
      .split("\n")
      .map((text, index) => (index === 0 ? `- ${text}` : `  ${text}`))
      .join("\n")}`
    assert.isTrue(Result.isSuccess(readPolicyFile("f.yaml", list.replaceAll(/^- ---\n/gmu, ""), undefined)))
  })

  it.each([
    { title: "no policy", content: DEPLOYMENT, says: "f.yaml holds no policy: give it an object of one of the kinds" },
    { title: "nothing", content: "", says: "f.yaml holds no policy" },
    { title: "no YAML", content: "a: [", says: "f.yaml:1: this is not YAML" },
    {
      title: "another version of a kind of ours",
      content: GENERAL.replace("generalscaler.io/v1alpha1", "generalscaler.io/v9"),
      says: 'no matches for kind "GeneralScaler" in version "autoscaling.generalscaler.io/v9"'
    }
  ])("says what to change about a file with $title", ({ content, says }) => {
    assert.include(failure(content), says)
  })

  it("lets a policy be named with its kind, and says which names there are", () => {
    const name = /name: *(\S+)/u.exec(GENERAL)?.[1] ?? ""
    assert.strictEqual(
      failure(`${GENERAL}\n---\n${GENERAL.replace(name, "other")}`, `generalscaler/${name}`),
      "accepted"
    )
    assert.include(failure(GENERAL, "nobody"), `choose one of GeneralScaler/${name}`)
    assert.include(failure(`${GENERAL}\n---\n${GENERAL}`, name), "choose one with --name")
  })

  it("says what the operator would say of a policy that the API server accepts", () => {
    const spec = "target_labels: {app: a}\n  namespace: elsewhere\n  min_replicas: 1\n  max_replicas: 3"
    const metrics = "metrics_config: {prometheus_url: http://p, metrics: [{query: q, threshold: 1, condition: gt}]}"
    const text = `apiVersion: nimbusguard.io/v1alpha1\nkind: IntelligentScaling\nmetadata: {name: a, namespace: shop}\nspec:\n  ${spec}\n  ${metrics}\n`
    assert.match(failure(text), /IntelligentScaling\/a: the API server accepts it, but it is Ready=False:\n {2}spec/u)
  })
})
