// The Makefile is what people type first: every target of the seeds is there, `make help` shows it, and what cannot
// run on a machine says why in a sentence.
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))

const make = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) => {
  const { status, stderr, stdout } = spawnSync("make", args, {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, MAKEFLAGS: "", MAKELEVEL: "", ...env }
  })
  return { status, stdout, stderr }
}

const targets = [
  "help",
  "setup",
  "dev-install",
  "check-deps",
  "dev",
  "run",
  "build",
  "generate",
  "check",
  "test",
  "test-integration",
  "test-e2e",
  "quality",
  "test-docker",
  "bench",
  "sim",
  "install",
  "uninstall",
  "deploy",
  "undeploy",
  "docker-build",
  "docker-run",
  "prod-build",
  "clean",
  "status"
]

describe("make", () => {
  it("shows every target with a sentence when asked for help, and when asked for nothing", () => {
    const { stdout } = make(["help"])
    for (const target of targets) assert.match(stdout, new RegExp(`^  ${target} +\\S.{8,}`, "mu"))
    assert.strictEqual(make([]).stdout, stdout)
  })

  it.each(targets)("%s can be planned", (target) => {
    const { status, stderr } = make(["--dry-run", target])
    assert.strictEqual(status, 0, stderr)
  })

  it("runs the operator for `run`, and says which context that is", () => {
    const { stdout } = make(["--dry-run", "run"])
    assert.match(stdout, /node src\/main\.ts run/u)
    assert.match(stdout, /current-context/u)
  })

  it("starts the embedded cluster for `dev`, which asks no context, and hands it the arguments", () => {
    const { stdout } = make(["--dry-run", "dev", "ARGS=--speed 60"])
    assert.match(stdout, /node src\/main\.ts dev --speed 60/u)
    assert.notMatch(stdout, /current-context/u)
  })

  it("applies the CRDs for `install` and the base for `deploy`", () => {
    assert.match(make(["--dry-run", "install"]).stdout, /kubectl apply -k manifests\/crd/u)
    assert.match(make(["--dry-run", "deploy"]).stdout, /kubectl apply -k manifests\/base/u)
    assert.match(make(["--dry-run", "undeploy"]).stdout, /kubectl delete -k manifests\/base/u)
  })

  it("names each tool and what it is for in `check-deps`", () => {
    const { status, stdout } = make(["check-deps"])
    assert.strictEqual(status, 0)
    for (const tool of ["node", "npm", "kubectl", "docker", "go"]) assert.match(stdout, new RegExp(`^  ${tool} `, "mu"))
  })

  it.each(["docker-build", "docker-run", "test-docker"])("%s says that no container engine answers", (target) => {
    const { status, stderr } = make([target], { DOCKER_HOST: "unix:///nowhere/docker.sock" })
    assert.notStrictEqual(status, 0)
    assert.match(stderr, /No container engine answers: start Docker/u)
  })
})
