import { existsSync, readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { readPolicyFile } from "#judge/policyFile"
import { SOURCES } from "#sources/index"

const root = new URL("../../", import.meta.url).pathname
const readme = readFileSync(`${root}README.md`, "utf8")

describe("the worked examples", () => {
  it.each(Object.values(SOURCES))(
    "have one of $name, which is accepted as it stands and reads that source",
    ({ built, name }) => {
      const path = `manifests/examples/sources/${name}.yaml`
      assert.isTrue(existsSync(root + path), `write ${path}`)
      assert.include(readme, path, `name ${path} in README.md`)
      const file = readPolicyFile(path, readFileSync(root + path, "utf8"), undefined)
      if (Result.isFailure(file)) throw new Error(file.failure)
      const { findings, policy } = file.success
      assert.isNotEmpty(policy.signals)
      for (const { source, target } of policy.signals) {
        assert.strictEqual(source, name)
        assert.isDefined(target, "its number proposes")
      }
      assert.deepStrictEqual(findings, [], built ? "nothing is left unsaid" : "")
    }
  )
})
