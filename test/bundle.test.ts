/**
 * The bundle's settings, tried on a small program: it runs where nothing is installed, and what is behind `import()`
 * stays out of the file that every start loads.
 */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"

const root = new URL("..", import.meta.url).pathname

describe("the bundle", () => {
  let folder = ""

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "nimbusguard-bundle-"))
    const env = { ...process.env, BUNDLE_ENTRY: "test/bundle/program.ts", BUNDLE_DIR: folder }
    execFileSync(join(root, "node_modules/.bin/rolldown"), ["--config", ".rolldown.config.mjs"], {
      cwd: root,
      env,
      stdio: "pipe"
    })
  })

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const run = (...args: ReadonlyArray<string>) =>
    execFileSync(process.execPath, ["nimbusguard.mjs", ...args], {
      cwd: folder,
      encoding: "utf8"
    })

  it("runs with nothing installed beside it, undici included", () => {
    assert.strictEqual(run(), "answered\n")
  })

  it("loads the rest when asked for it, and not before", () => {
    assert.strictEqual(run("lazy"), "answered\nloaded when asked for, function\n")
    const holders = readdirSync(folder)
      .filter((name) => name.endsWith(".mjs"))
      .filter((name) => readFileSync(join(folder, name), "utf8").includes("loaded when asked for"))
    assert.strictEqual(holders.length, 1)
    assert.notInclude(holders, "nimbusguard.mjs")
  })

  it("keeps the names that the stack of a crash shows", () => {
    assert.include(run("crash"), "at crashesHere (")
  })
})
