/** Where the few files of `dev` are, and that they go. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { acquire, kubeconfig } from "#cli/dev/Folder"

const inFolder = <A>(use: (path: string) => Effect.Effect<A>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "nimbusguard-test-"))),
    use,
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )

describe("the folder", () => {
  it.effect("is in the project's cache, by the port, for its owner alone, and gone at the end", () =>
    inFolder((cwd) =>
      Effect.gen(function* () {
        writeFileSync(join(cwd, "package.json"), JSON.stringify({ name: "nimbusguard" }))
        const file = yield* Effect.scoped(
          Effect.map(acquire(cwd, 6550), (folder) => {
            const written = folder?.write("kubeconfig", "text") ?? ""
            assert.strictEqual(readFileSync(written, "utf8"), "text")
            return written
          })
        )
        assert.strictEqual(file, join(cwd, ".cache", "dev", "6550", "kubeconfig"))
        assert.isFalse(existsSync(join(cwd, ".cache", "dev", "6550")))
      })
    )
  )

  it.effect("goes also when the process ends before its time, and leaves no listener behind", () =>
    inFolder((cwd) =>
      Effect.gen(function* () {
        const before = process.listeners("exit")
        const path = yield* Effect.scoped(
          Effect.map(acquire(cwd, 6550), (folder) => {
            for (const listener of process.listeners("exit")) if (!before.includes(listener)) listener(130)
            assert.isFalse(existsSync(folder?.path ?? cwd))
            return folder?.path ?? ""
          })
        )
        assert.isTrue(path.startsWith(tmpdir()), path)
        assert.deepStrictEqual(process.listeners("exit"), before)
      })
    )
  )

  it.effect("is one of the system's for such files outside the project, or where nothing can be written", () =>
    inFolder((cwd) =>
      Effect.gen(function* () {
        const path = yield* Effect.scoped(Effect.map(acquire(cwd, 6550), (folder) => folder?.path ?? ""))
        assert.isTrue(path.startsWith(join(tmpdir(), "nimbusguard-dev-")), path)
        assert.isFalse(existsSync(path))
        // A file where a folder is wanted stands for every reason why it cannot be made: root may write anywhere.
        writeFileSync(join(cwd, "package.json"), JSON.stringify({ name: "nimbusguard" }))
        writeFileSync(join(cwd, ".cache"), "")
        const other = yield* Effect.scoped(Effect.map(acquire(cwd, 6550), (folder) => folder?.path ?? ""))
        assert.isTrue(other.startsWith(tmpdir()), other)
      })
    )
  )
})

describe("the kubeconfig", () => {
  it("has one context, which is the current one, and no credentials", () => {
    const config = JSON.parse(kubeconfig("http://127.0.0.1:6550")) as {
      readonly clusters: ReadonlyArray<unknown>
      readonly contexts: ReadonlyArray<{ readonly name: string }>
      readonly users: ReadonlyArray<unknown>
      readonly "current-context": string
    }
    assert.deepStrictEqual(config.clusters, [{ name: "nimbusguard-dev", cluster: { server: "http://127.0.0.1:6550" } }])
    assert.deepStrictEqual(
      config.contexts.map(({ name }) => name),
      [config["current-context"]]
    )
    assert.deepStrictEqual(config.users, [{ name: "you", user: {} }])
  })
})
