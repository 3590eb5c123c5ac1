/**
 * Where `dev` keeps its few files: the kubeconfig, and the operator's log while a table has the terminal. In the
 * project's own .cache, which git ignores, else in the system's folder for such files; gone at the end.
 */
import * as Effect from "effect/Effect"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export interface Folder {
  /** Absolute. */
  readonly path: string
  readonly write: (name: string, text: string) => string
  readonly remove: () => void
}

/** By the port that only one instance can have, so that a terminal that was pointed at it yesterday still is. */
const own = (cwd: string, apiPort: number): string | undefined => {
  try {
    const { name } = JSON.parse(readFileSync(join(cwd, "package.json"), "utf8")) as { readonly name?: unknown }
    if (name !== "nimbusguard") return undefined
    const path = join(cwd, ".cache", "dev", String(apiPort))
    rmSync(path, { recursive: true, force: true })
    mkdirSync(path, { recursive: true, mode: 0o700 })
    writeFileSync(join(path, "kubeconfig"), "", { mode: 0o600 })
    return path
  } catch {
    return undefined
  }
}

const temporary = (): string | undefined => {
  try {
    return mkdtempSync(join(tmpdir(), "nimbusguard-dev-"))
  } catch {
    return undefined
  }
}

/** Undefined: nothing can be written anywhere, and the world has to do without files. */
export const acquire = (cwd: string, apiPort: number) =>
  Effect.acquireRelease(
    Effect.sync((): Folder | undefined => {
      const path = own(cwd, apiPort) ?? temporary()
      if (path === undefined) return undefined
      const write = (name: string, text: string) => {
        const file = join(path, name)
        writeFileSync(file, text, { mode: 0o600 })
        return file
      }
      const remove = () => {
        process.removeListener("exit", remove)
        rmSync(path, { recursive: true, force: true })
      }
      // Whoever asks twice to end is not kept waiting, and the folder goes all the same.
      process.on("exit", remove)
      return { path, write, remove }
    }),
    (folder) => Effect.sync(() => folder?.remove())
  )

/** JSON, which is YAML that every kubectl reads. */
export const kubeconfig = (server: string): string =>
  JSON.stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "nimbusguard-dev", cluster: { server } }],
      users: [{ name: "you", user: {} }],
      contexts: [
        { name: "nimbusguard-dev", context: { cluster: "nimbusguard-dev", user: "you", namespace: "default" } }
      ],
      "current-context": "nimbusguard-dev"
    },
    undefined,
    2
  )
