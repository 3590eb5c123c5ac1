// How an integration test gets at what the run started. On a person's machine a missing server turns into a skipped
// suite whose title says what is missing; in CI the run has already failed before a test is asked.
import { describe, inject } from "vitest"
import { controlPlanePrograms, type Program, remedyFor } from "./Binaries.ts"
import { Cluster, type ClusterAddress } from "./Cluster.ts"

declare module "vitest" {
  interface ProvidedContext {
    /** Absent when a program of the control plane is missing. */
    readonly clusterAddress: ClusterAddress | null
    readonly missingPrograms: ReadonlyArray<Program>
  }
}

export type Need = "controlPlane" | "hpa-oracle" | "prometheus" | "nats-server" | "redis-server" | "kafka"

const programsOf = (need: Need): ReadonlyArray<Program> => (need === "controlPlane" ? controlPlanePrograms : [need])

/** The control plane of this run. Call it inside a test or a hook. */
export const runningCluster = (): Cluster => {
  const address = inject("clusterAddress")
  if (address === null) throw new Error("there is no control plane: name it among the needs of describeWith")
  return new Cluster(address)
}

/** A suite that needs real servers. */
export const describeWith = (needs: ReadonlyArray<Need>, title: string, body: () => void): void => {
  const missing = inject("missingPrograms").filter((program) => needs.flatMap(programsOf).includes(program))
  if (missing.length === 0) describe(title, body)
  else describe.skip(`${title} [skipped: ${missing.map(remedyFor).join("; ")}]`, body)
}
