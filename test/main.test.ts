import { readFileSync } from "node:fs"
import { createServer } from "node:net"
import { afterEach, assert, describe, it } from "vitest"
import { freePort, notFound, run, start, startApi, until } from "#test/cli/processes"

const cleanups: Array<() => unknown> = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

const api = async (answer: Parameters<typeof startApi>[0]) => {
  const server = await startApi(answer)
  cleanups.push(server.close)
  return server
}

const ports = async () => ({
  METRICS_PORT: String(await freePort()),
  PROBE_PORT: String(await freePort()),
  DASHBOARD_PORT: String(await freePort())
})

describe("nimbusguard", () => {
  it("has the version of package.json, and no other", async () => {
    const { out } = await run(["--version"])
    const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))
    assert.strictEqual(out.trim(), `nimbusguard v${version}`)
  })

  it("exits with 2 for a verb that is not there, and shows those that are", async () => {
    const { code, err, out } = await run(["explode"])
    assert.strictEqual(code, 2)
    assert.match(out + err, /explode/)
    assert.match(out + err, /doctor/)
  })

  it("exits with 2 for a flag that is not there, in a few lines that are not on standard output", async () => {
    const { code, err, out } = await run(["doctor", "--output", "xml"])
    assert.strictEqual(code, 2)
    assert.strictEqual(out, "")
    assert.match(err, /--output.*xml.*\nUsage: nimbusguard doctor \[flags\]\nSee nimbusguard doctor --help\.\n$/)
  })

  it("exits with 2 for settings that cannot be used, with every sentence on stderr", async () => {
    const { code, err, out } = await run(["run", "--metrics-port", "x"], { LOG_LEVEL: "loud" })
    assert.strictEqual(code, 2)
    assert.strictEqual(out, "")
    assert.match(err, /^LOG_LEVEL is "loud": write one of/m)
    assert.match(err, /^--metrics-port is "x": write a port number/m)
  })

  it("exits with 1 where no cluster can be found, and says so in its log", async () => {
    const { code, out } = await run(["run"], { KUBECONFIG: "/nonexistent/kubeconfig", LOG_FORMAT: "json" })
    assert.strictEqual(code, 1)
    const last = JSON.parse(out.trim().split("\n").at(-1) ?? "{}")
    assert.deepInclude(last, { level: "fatal", message: "There is no kubeconfig at /nonexistent/kubeconfig." })
  })

  it("exits with 1 where a port is taken, and names the port and the setting", async () => {
    const { kubeconfig } = await api(() => notFound)
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, resolve))
    cleanups.push(() => taken.close())
    const address = taken.address()
    const port = typeof address === "object" ? String(address?.port) : ""
    const env = { KUBECONFIG: kubeconfig, INSTALL_CRDS: "false", ...(await ports()), PROBE_PORT: port }
    const { code, out } = await run(["run"], env)
    assert.strictEqual(code, 1)
    assert.include(out, `Something else already listens on port ${port} of every address: stop it, or set PROBE_PORT`)
  })

  it("lives without an API server, and ends with 0 on SIGTERM", async () => {
    const { kubeconfig, stop } = await api(() => notFound)
    stop()
    const env = { KUBECONFIG: kubeconfig, INSTALL_CRDS: "false", ...(await ports()) }
    const { process, ended } = start(["run"], env)
    await until(`http://127.0.0.1:${env.PROBE_PORT}/healthz`, 200)
    process.kill("SIGTERM")
    assert.strictEqual((await ended).code, 0)
  })

  it("answers probes while an API server that never answers keeps it from installing its CRDs", async () => {
    const { kubeconfig } = await api(() => undefined)
    const env = { KUBECONFIG: kubeconfig, INSTALL_CRDS: "true", ...(await ports()) }
    const { process, ended } = start(["run"], env)
    await until(`http://127.0.0.1:${env.PROBE_PORT}/healthz`, 200)
    await until(`http://127.0.0.1:${env.PROBE_PORT}/readyz`, 503)
    process.kill("SIGTERM")
    assert.strictEqual((await ended).code, 0)
  })

  it("ends at once on a second Ctrl-C, whatever it waits for", async () => {
    const { kubeconfig } = await api(() => undefined)
    const env = { KUBECONFIG: kubeconfig, INSTALL_CRDS: "false", POD_NAMESPACE: "home", ...(await ports()) }
    const { process, ended } = start(["run"], env)
    const probe = `http://127.0.0.1:${env.PROBE_PORT}/healthz`
    await until(probe, 200)
    process.kill("SIGINT")
    await until(probe, undefined)
    process.kill("SIGINT")
    assert.strictEqual((await ended).code, 130)
  })
})
