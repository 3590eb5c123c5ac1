// Starts the control plane once for all integration tests, and stops it when they are done. In CI every program must be
// there, so it compiles what is missing first; on a person's machine it only says what is missing.
import type { TestProject } from "vitest/node"
import {
  allPrograms,
  controlPlanePrograms,
  findPrograms,
  makePrograms,
  mayCompile,
  remedyFor
} from "#test/controlplane/Binaries"
import { ControlPlane } from "#test/controlplane/ControlPlane"
import type {} from "#test/controlplane/suite"

const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  if (mayCompile()) await makePrograms(allPrograms, print)
  const programs = findPrograms()
  const missing = allPrograms.filter((program) => programs[program] === undefined)
  if (missing.length > 0 && process.env["CI"] === "true") throw new Error(missing.map(remedyFor).join("\n"))
  for (const program of missing) print(remedyFor(program))
  project.provide("missingPrograms", missing)
  if (controlPlanePrograms.some((program) => missing.includes(program))) {
    project.provide("clusterAddress", null)
    return () => Promise.resolve()
  }
  const started = performance.now()
  const plane = await ControlPlane.start({ programs, users: [{ name: "alice" }, { name: "bob" }] })
  print(`The control plane is ready at ${plane.url} after ${((performance.now() - started) / 1000).toFixed(1)} s`)
  project.provide("clusterAddress", plane.address)
  return () => plane.stop()
}

export default setup
