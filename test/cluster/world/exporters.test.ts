/** Holds the table of series in docs/CLUSTER.md to what a scrape finds. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Exporters } from "#cluster/world/exporters"
import { RunningPod } from "#cluster/world/RunningPod"
import { SeriesStore } from "#cluster/world/SeriesStore"
import { Service } from "#cluster/world/Service"

const page = readFileSync(new URL("../../../docs/CLUSTER.md", import.meta.url), "utf8")

/** Names of the first column, with the labels of the second where it lists them. */
const documented = new Map(
  [...page.matchAll(/^\| (?<names>`[^|]+) \| (?<labels>[^|]+) \|$/gmu)].flatMap(({ groups = {} }) =>
    [...(groups["names"] ?? "").matchAll(/`([a-z0-9_]+)`/gu)].map(
      ([, name = ""]) => [name, groups["labels"] ?? ""] as const
    )
  )
)

describe("the series of a scrape", () => {
  it("are those of docs/CLUSTER.md, with their labels", () => {
    const store = new SeriesStore({ scrapesMax: 10 })
    const queue = { system: "pubsub", project: "p", subscription: "s" } as const
    const services = [new Service({ name: "web" }, 1), new Service({ name: "worker", queue }, 1)]
    const pods = services.map((service) => {
      const object = {
        metadata: { name: `${service.name}-0`, namespace: "default", labels: { app: service.name } },
        spec: { containers: [{ name: "main" }] },
        status: { phase: "Running", containerStatuses: [{ state: { running: {} } }] }
      }
      const pod = new RunningPod(object, service)
      pod.learn(object, 0)
      return pod
    })
    new Exporters(store).scrape(1000, 1, services, pods)
    const names = [...documented.keys()].filter((name) => /_|^up$/u.test(name) && store.names.includes(name))
    assert.deepStrictEqual(names.toSorted(), [...store.names])
    for (const [name, labels] of documented) {
      const [series] = store.named(name)
      if (series === undefined || labels.startsWith("the same")) continue
      assert.deepStrictEqual(Object.keys(series.bare).toSorted(), labels.split(", ").toSorted(), name)
    }
  })
})
