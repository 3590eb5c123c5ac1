/** The one place that looks at the process to find out how it was started: environment, files, terminal, pod. */
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { hostname } from "node:os"
import type { Given } from "./loadSettings.ts"
import type { ReadFile } from "./policyDefaults.ts"

const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"

const isAbsent = (error: unknown) =>
  error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")

export const readFile: ReadFile = (path) => {
  try {
    return readFileSync(path, "utf8")
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

export const processGiven = (flags: Readonly<Record<string, string>>) =>
  Effect.sync((): Given => {
    const namespace = readFile(`${SERVICE_ACCOUNT}/namespace`)?.trim()
    const inCluster = process.env["KUBERNETES_SERVICE_HOST"] !== undefined && namespace !== undefined
    return {
      flags,
      env: process.env,
      readFile,
      surroundings: {
        inCluster,
        terminal: process.stdout.isTTY,
        hostname: hostname(),
        namespace: inCluster ? namespace : undefined
      }
    }
  })
