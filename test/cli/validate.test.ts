import { assert, describe, it } from "@effect/vitest"
import { called } from "#test/cli/called"
import { nimbusguard } from "#test/cli/nimbusguard"

const good = "test/fixtures/crd/valid/seed-5-generalscaler.yaml"
const bad = "test/fixtures/crd/invalid/scalingpolicy-bounds-swapped.yaml"

describe("nimbusguard validate", () => {
  it("answers a program in JSON, with exit code 0 when nothing is refused", async () => {
    const { code, stdout } = await called(["validate", good])
    const { objects, ok } = JSON.parse(stdout) as { ok: boolean; objects: ReadonlyArray<{ verdict: string }> }
    assert.deepStrictEqual([code, ok, objects.length, objects[0]?.verdict], [0, true, 1, "accepted"])
  })

  it("answers a person in lines, with exit code 1 when anything is refused", async () => {
    const { code, stderr, stdout } = await called(["validate", "--output", "text", good, bad])
    assert.strictEqual(code, 1)
    assert.strictEqual(stderr, "")
    assert.include(stdout, `${bad}:2: ScalingPolicy default/web: refused by the API server`)
    assert.include(
      stdout,
      "  spec.scaling.minReplicas: Invalid value: minReplicas must not be greater than maxReplicas"
    )
    assert.match(stdout, /\n1 of 2 refused\.\n$/u)
  })

  it("reads standard input, as kubectl does", () => {
    const text = "kind: ScalingPolicy\napiVersion: nimbusguard.io/v1\nmetadata: {name: a}\nspec: {}\n"
    const { code, stdout } = nimbusguard(["validate", "-", "--output", "text"], text)
    assert.strictEqual(code, 1)
    assert.match(stdout, /^standard input:1: ScalingPolicy default\/a: refused/u)
  })

  it("says which file is not there, and looks at the others", async () => {
    const { code, stdout } = await called(["validate", "no-such-file.yaml", good, "--output", "text"])
    assert.strictEqual(code, 1)
    assert.match(stdout, /^no-such-file\.yaml: cannot be read\n {2}There is no such file\. Correct the path\.\n/u)
    assert.include(stdout, `${good}:1: GeneralScaler default/my-app-scaler: accepted`)
  })

  it("says what a directory is, and what to do", async () => {
    const { code, stdout } = await called(["validate", "manifests/examples", "--output", "text"])
    assert.strictEqual(code, 1)
    assert.match(
      stdout,
      /^manifests\/examples: cannot be read\n {2}This is not a file\. Of a directory, name the files/u
    )
  })

  it("wants a file, and explains itself", async () => {
    assert.notStrictEqual((await called(["validate"])).code, 0)
    const { code, stdout } = await called(["validate", "--help"])
    assert.strictEqual(code, 0)
    assert.include(stdout, "--output")
  })
})
