// No engine builds the image here, so what can be checked is: every COPY has a source that the build context holds,
// the context holds nothing else, and the image runs as nobody with no shell in between.
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"

const root = new URL("..", import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), "utf8")
const lines = read("Dockerfile").replaceAll("\\\n", " ").split("\n")
const instructions = lines
  .filter((line) => line.trim() !== "" && !line.startsWith("#"))
  .map((line) => {
    const [word = "", ...rest] = line.trim().split(/\s+/u)
    return { word: word.toUpperCase(), rest }
  })
const allowed = read(".dockerignore")
  .split("\n")
  .filter((line) => line.startsWith("!"))
  .map((line) => line.slice(1))

describe("the Dockerfile", () => {
  const copies = instructions.filter(({ rest, word }) => word === "COPY" && !(rest[0] ?? "").startsWith("--from"))

  it("copies only what exists and what the build context holds", () => {
    const sources = copies.flatMap(({ rest }) => rest.slice(0, -1))
    assert.isAbove(sources.length, 5)
    for (const source of sources) {
      assert.isTrue(existsSync(new URL(source, root)), `${source} does not exist`)
      assert.include(allowed, source, `${source} is not in the build context`)
    }
  })

  it("keeps everything else out of the build context", () => {
    assert.strictEqual(read(".dockerignore").split("\n")[0], "*")
    const sources = new Set(copies.flatMap(({ rest }) => rest.slice(0, -1)))
    assert.deepStrictEqual(
      allowed.filter((path) => !sources.has(path)),
      []
    )
  })

  it("has stages, the last of which runs the bundle as a number that is not root", () => {
    const stages = instructions.filter(({ word }) => word === "FROM")
    assert.isAtLeast(stages.length, 2)
    const last = instructions.slice(instructions.lastIndexOf(stages[stages.length - 1] ?? instructions[0]!))
    const user = last.find(({ word }) => word === "USER")?.rest[0]
    assert.match(user ?? "", /^[1-9]\d*:[1-9]\d*$/u)
    assert.match(
      last.find(({ word }) => word === "ENTRYPOINT")?.rest.join(" ") ?? "",
      /^\["node".*nimbusguard\.mjs"\]$/u
    )
    assert.isFalse(last.some(({ rest, word }) => word === "RUN" && rest.includes("npm")))
  })

  it("uses the user that the Deployment asks for", () => {
    const user = instructions.findLast(({ word }) => word === "USER")?.rest[0]?.split(":")[0]
    assert.include(read("manifests/base/deployment.yaml"), `runAsUser: ${user}`)
  })
})
