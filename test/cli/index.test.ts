import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { cli, verbOf } from "#cli/index"
import { readSource } from "#test/architecture/readSource"
import { resolve } from "#test/architecture/rules"
import { printed } from "#test/cli/printed"

const root = new URL("../..", import.meta.url).pathname

describe("the command line", () => {
  it.live("lists its verbs and says what each is for", () =>
    Effect.gen(function* () {
      const { out } = yield* printed(cli(["--help"]))
      for (const verb of ["run", "dev", "doctor", "decide", "explain", "validate", "manifests"]) {
        assert.match(out, new RegExp(`^ +${verb} +\\S`, "m"))
      }
    }).pipe(Effect.provide(NodeServices.layer))
  )

  for (const verb of ["run", "dev", "doctor", "decide", "explain", "validate", "manifests"]) {
    it.live(`explains ${verb} and its flags`, () =>
      Effect.gen(function* () {
        const { out } = yield* printed(cli([verb, "--help"]))
        assert.match(out, /^DESCRIPTION\n +\S/m)
        assert.match(out, new RegExp(`nimbusguard ${verb}`))
        assert.match(out, /^ +--/m)
      }).pipe(Effect.provide(NodeServices.layer))
    )
  }

  it("loads nothing of the embedded cluster for `run`, whose start and memory are watched", () => {
    const seen = new Set<string>()
    const visit = (path: string): void => {
      if (seen.has(path) || !path.startsWith("src/")) return
      seen.add(path)
      for (const { specifier, typeOnly } of readSource(path, readFileSync(root + path, "utf8")).imports) {
        const target = resolve(path, specifier)
        if (!typeOnly && target !== undefined) visit(target)
      }
    }
    visit("src/cli/run.ts")
    assert.include([...seen], "src/operator/Operator.ts")
    const unwanted = /^src\/(?:cluster|simulation|workload|judge|cli\/dev)[./]/u
    assert.deepStrictEqual(
      [...seen].filter((path) => unwanted.test(path)),
      []
    )
  })

  it("knows the verb whatever stands before it", () => {
    assert.strictEqual(verbOf(["run"]), "run")
    assert.strictEqual(verbOf(["--log-level=debug", "doctor", "--output", "json"]), "doctor")
    assert.strictEqual(verbOf(["--help"]), undefined)
    assert.strictEqual(verbOf(["explode"]), undefined)
    assert.strictEqual(verbOf(["toString"]), undefined)
    assert.strictEqual(verbOf(["run", "--completions", "bash"]), undefined)
  })
})
