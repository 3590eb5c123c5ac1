/** The first lines: everything that somebody has to know, each on a line that can be copied. */
import { assert, describe, it } from "vitest"
import { headerLines, type Introduction } from "#cli/dev/header"
import { KINDS } from "#schemas/crd/index"

const given: Introduction = {
  scenario: "default",
  says: "load that goes up and down",
  kinds: KINDS.length,
  wakes: "consumer-workload",
  ports: {
    api: { name: "Kubernetes API", port: 6550 },
    probes: { name: "probes", port: 8180, moved: "probes: 8180 instead of 8080: another program listens there" },
    load: { name: "load generator", port: 8081 },
    dashboard: { name: "dashboard", port: 8082 },
    metrics: { name: "metrics", port: 8000 },
    prometheus: { name: "Prometheus", port: 9090 }
  },
  kubeconfig: "/repo/.cache/dev/6550/kubeconfig",
  server: "http://127.0.0.1:6550",
  seconds: 1.234,
  speed: 1,
  log: undefined
}

const text = (over: Partial<Introduction> = {}) => headerLines({ ...given, ...over }).header.join("\n")

describe("the introduction", () => {
  it("says how long it took, where the dashboard is, and the one line that points kubectl at it", () => {
    assert.include(text(), "Ready in 1.2 s")
    assert.match(text(), /^ +dashboard +http:\/\/localhost:8082$/mu)
    assert.match(text(), /export KUBECONFIG=\/repo\/\.cache\/dev\/6550\/kubeconfig$/mu)
  })

  it("has the seeds' three curl lines at the ports that are in use, and says which moved and why", () => {
    assert.include(text(), "curl -X POST http://localhost:8180/api/v1/workload/cpu/start")
    assert.include(text(), "curl -X POST http://localhost:8180/api/v1/events/trigger")
    assert.include(text(), "curl -X POST http://localhost:8081/load/generate")
    assert.include(text(), "probes: 8180 instead of 8080: another program listens there")
  })

  it("speaks of all kinds, and wakes a service, only where the scenario has them", () => {
    assert.include(text(), "policies of all kinds")
    const other = text({ kinds: 1, wakes: "by-http" })
    assert.notInclude(other, "all kinds")
    assert.include(other, '"service":"by-http"')
    assert.notInclude(other, "consumer-workload")
  })

  it("points kubectl at the server itself where no file could be written", () => {
    assert.include(text({ kubeconfig: undefined }), "kubectl --server=http://127.0.0.1:6550 get scalers")
  })

  it("warns of kubectl's ages only where time goes faster", () => {
    assert.notInclude(text(), "ages")
    assert.include(text({ speed: 60 }), "time at 60x, kubectl's own ages are of real time")
  })
})
